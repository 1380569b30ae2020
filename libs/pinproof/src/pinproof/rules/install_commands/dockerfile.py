"""Reads the commands of a Dockerfile in shell form, exec form and here-documents."""

import json
from collections.abc import Iterator
from functools import cache

import tree_sitter_containerfile
from tree_sitter import Language, Node, Parser

from pinproof.rules.install_commands.command import Command, Word, inner_scripts
from pinproof.rules.install_commands.copied_files import CopiedFiles
from pinproof.rules.install_commands.scripts import script_commands
from pinproof.rules.install_commands.shell import shell_commands


def dockerfile_commands(text: str) -> Iterator[Command]:
    """Yield the commands of the build, and those that start the container."""
    if not text.endswith("\n"):
        text += "\n"
    data = text.encode("utf-8", "replace")
    root = _parser().parse(data).root_node
    variables = _variables(root)
    copied = CopiedFiles()
    for node in _instructions(root):
        match node.type:
            case "from_instruction":
                copied = CopiedFiles()
            case "workdir_instruction":
                copied.change_folder(_text(node.children[-1]))
            case "copy_instruction" | "add_instruction":
                yield from _copied(node)
                _copy(node, copied)
            case _:
                for command in _commands(node, variables):
                    yield copied.locate(command)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_containerfile.language()))


def _commands(node: Node, variables: dict[str, str]) -> Iterator[Command]:
    if node.type == "ERROR":
        yield from shell_commands(_text(node), line=node.start_point.row + 1)
    for child in node.children:
        if child.type == "json_string_array":
            yield from _exec_form(child, variables)
        elif child.type == "shell_command":
            yield from _shell_form(node, child, variables)


def _copy(node: Node, copied: CopiedFiles) -> None:
    """Record the paths of a COPY, except from another stage or from a here-document."""
    paths = []
    for child in node.children:
        if child.type == "param" and _text(child).startswith("--from"):
            return
        if child.type == "path":
            paths.append(_text(child).strip("\"'"))
        elif child.type == "json_string_array":
            paths += [str(path) for path in json.loads(_text(child), strict=False)]
    if len(paths) > 1 and not any(path.startswith("<<") for path in paths):
        copied.copy(paths)


def _instructions(root: Node) -> Iterator[Node]:
    """Yield every instruction, also within ONBUILD and HEALTHCHECK."""
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type.endswith("_instruction") or node.type == "ERROR":
            yield node
        pending += reversed(node.children)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _variables(root: Node) -> dict[str, str]:
    """The variables that ENV sets once. Build arguments are unknown."""
    values: dict[str, set[str]] = {}
    for node in _instructions(root):
        for pair in node.children:
            if pair.type in ("env_pair", "arg_pair") and pair.named_children:
                name, *value = (_text(part) for part in pair.named_children)
                known = value[-1].strip("\"'") if value and pair.type == "env_pair" else "$"
                values.setdefault(name, set()).add(known)
            elif node.type == "arg_instruction" and pair.type == "unquoted_string":
                values.setdefault(_text(pair), set()).add("$")
    return {
        name: value for name, (value, *others) in values.items() if not others and "$" not in value
    }


def _exec_form(array: Node, variables: dict[str, str]) -> Iterator[Command]:
    line = array.start_point.row + 1
    texts = map(str, json.loads(_text(array).replace("\\\n", ""), strict=False))
    words = tuple(Word(text, text) for text in texts)
    yield Command(line, words)
    for script in inner_scripts(words):
        yield from shell_commands(script, line=line, variables=variables)


def _shell_form(instruction: Node, command: Node, variables: dict[str, str]) -> Iterator[Command]:
    documents = [node for node in instruction.children if node.type == "heredoc_block"]
    text = _without_comments(command)
    if not documents:
        yield from shell_commands(text, line=command.start_point.row + 1, variables=variables)
        return
    if text.lstrip().startswith("<<"):
        # The documents are scripts themselves.
        for document in documents:
            yield from _document(document, "")
        return
    whole = text + "".join(_text(document) for document in documents)
    yield from shell_commands(whole, line=command.start_point.row + 1, variables=variables)


def _without_comments(command: Node) -> str:
    """The command with each comment line replaced by a continued empty line."""
    data = command.text or b""
    for child in reversed(command.children):
        if child.type == "comment":
            start, end = (at - command.start_byte for at in (child.start_byte, child.end_byte))
            data = data[:start] + b"\\\n" + data[end:]
    return data.decode("utf-8", "replace")


def _document(block: Node, name: str) -> Iterator[Command]:
    for node in block.children:
        if node.type == "heredoc_content":
            # The node begins with the line break that precedes it.
            text = _text(node)
            line = node.start_point.row + 1
            yield from script_commands(text, name or "RUN.sh", line=line)


def _copied(instruction: Node) -> Iterator[Command]:
    """Yield the commands of scripts that a COPY with here-documents writes."""
    paths = [_text(node) for node in instruction.children if node.type == "path"]
    for block in instruction.children:
        if block.type == "heredoc_block":
            yield from _document(block, paths[-1] if paths else "COPY")
