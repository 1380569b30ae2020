"""Reads the commands of a shell script."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from pinproof.rules.install_commands.command import UNKNOWN, Command, Word, inner_scripts
from pinproof.rules.install_commands.python import python_commands

_SHELLS = frozenset({"ash", "bash", "dash", "ksh", "sh", "zsh"})
_ARGUMENTS = frozenset(
    {"ansi_c_string", "arithmetic_expansion", "brace_expression", "command_substitution"}
    | {"concatenation", "expansion", "number", "process_substitution", "raw_string"}
    | {"simple_expansion", "string", "translated_string", "word"}
)
# Scripts within scripts are read to this depth.
_DEEPEST = 5


def shell_commands(
    text: str, *, line: int = 1, variables: Mapping[str, str] | None = None, depth: int = 0
) -> Iterator[Command]:
    """Yield every command of a script: in branches, functions, substitutions and here-documents.

    Args:
        text: The script.
        line: The number of its first line.
        variables: The known variables of its environment.
        depth: Number of scripts that contain it.
    """
    root = _parser().parse(text.encode("utf-8", "replace")).root_node
    script = _Script({**(variables or {}), **_constants(root)}, line, depth)
    for node in _descendants(root):
        yield from script.commands(node)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def _descendants(root: Node) -> Iterator[Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending += reversed(node.children)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _constants(root: Node) -> dict[str, str]:
    """The variables with a single, known value."""
    values: defaultdict[str, set[str | None]] = defaultdict(set)
    for node in _descendants(root):
        if node.type == "variable_assignment":
            name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
            if name is not None:
                known = "" if value is None else _value(value, {})
                values[_text(name)].add(None if UNKNOWN in known else known)
        elif node.type in ("for_statement", "c_style_for_statement", "select_statement"):
            if variable := node.child_by_field_name("variable"):
                values[_text(variable)].add(None)
        elif node.type == "command" and _text(node).startswith(("read ", "mapfile ", "getopts ")):
            for argument in node.children:
                values[_text(argument)].add(None)
    constants: dict[str, str] = {}
    for variable_name, given in values.items():
        first, *others = given
        if first is not None and not others:
            constants[variable_name] = first
    return constants


class _Script:
    """A script with its known variables."""

    def __init__(self, variables: Mapping[str, str], line: int, depth: int) -> None:
        self._variables = variables
        self._line = line
        self._depth = depth

    def commands(self, node: Node) -> Iterator[Command]:
        """Yield the command of a node, if it is one, and those of the scripts in its words."""
        line = self._line + node.start_point.row
        if node.type == "command":
            words = tuple(self._words(node))
            yield Command(line, words)
            yield from self._inner(words, line)
        elif node.type == "heredoc_body":
            yield from self._document(node)
        elif node.type == "ERROR":
            # Text that cannot be parsed is read word by word.
            text = _text(node).split()
            yield Command(line, tuple(Word(word.strip("\"'`(){};"), word) for word in text))

    def _words(self, command: Node) -> Iterator[Word]:
        pieces: list[Node] = []
        for child in command.children:
            node = child.children[0] if child.type == "command_name" else child
            if node.type in _ARGUMENTS:
                # The parser splits some words without a space, such as 'a'\b.
                if pieces and pieces[-1].end_byte != node.start_byte:
                    yield from self._split(*pieces)
                    pieces = []
                pieces.append(node)
        if pieces:
            yield from self._split(*pieces)
        parent = command.parent
        if parent is not None and parent.type == "redirected_statement":
            # `install >log numpy`: the parser adds the words that follow to the redirection.
            for redirect in parent.children:
                if redirect.type == "file_redirect":
                    words = [child for child in redirect.children if child.type in _ARGUMENTS]
                    for word in words[1:]:
                        yield from self._split(word)

    def _split(self, *pieces: Node) -> Iterator[Word]:
        value = "".join(_value(node, self._variables) for node in pieces)
        is_expansion = pieces[0].type in ("simple_expansion", "expansion")
        if len(pieces) == 1 and is_expansion and UNKNOWN not in value:
            # Not quoted: the shell splits the value into words.
            for part in value.split():
                yield Word(part, part)
        else:
            yield Word(value, "".join(map(_text, pieces)))

    def _inner(self, words: tuple[Word, ...], line: int) -> Iterator[Command]:
        """Yield the commands of scripts in the words: `bash -c "..."`, `eval "..."`."""
        if self._depth < _DEEPEST:
            for script in inner_scripts(words):
                yield from self._script(script, line)

    def _document(self, body: Node) -> Iterator[Command]:
        """Yield the commands of a here-document that an interpreter reads."""
        statement = body.parent
        while statement is not None and statement.type != "redirected_statement":
            statement = statement.parent
        reader = statement.child_by_field_name("body") if statement is not None else None
        if reader is None or self._depth >= _DEEPEST:
            return
        programs = {PurePosixPath(word.value).name for word in self._words(reader)}
        line = self._line + body.start_point.row
        if programs & _SHELLS:
            yield from self._script(_text(body), line)
        elif any(program.startswith("python") for program in programs):
            yield from python_commands(_text(body), shell_commands, line=line)

    def _script(self, text: str, line: int) -> Iterator[Command]:
        readable = text.replace(UNKNOWN, "${unknown}")
        yield from shell_commands(
            readable, line=line, variables=self._variables, depth=self._depth + 1
        )


def _value(node: Node, variables: Mapping[str, str]) -> str:  # noqa: PLR0911 - one for each form
    """The word that the command receives, with UNKNOWN for each unknown part."""
    match node.type:
        case "word" | "number":
            return _unescape(_text(node))
        case "string_content":
            return _unescape(_text(node), only='$`"\\\n')
        case "raw_string":
            return _text(node)[1:-1]
        case "ansi_c_string":
            inner = _text(node)[2:-1]
            return UNKNOWN if "\\" in inner else inner
        case "string" | "concatenation" | "translated_string" | "command_name":
            # The parser may leave out white space between the parts of a string.
            return _joined(node, variables)
        case "simple_expansion" | "expansion":
            names = [child for child in node.children if child.is_named]
            if len(names) == 1 and names[0].type == "variable_name" and len(node.children) <= 3:  # noqa: PLR2004
                return variables.get(_text(names[0]), UNKNOWN)
            return UNKNOWN
        case _:
            return UNKNOWN


def _joined(node: Node, variables: Mapping[str, str]) -> str:
    value = ""
    end = node.start_byte
    for child in node.children:
        if child.start_byte > end and node.type == "string":
            gap = (node.text or b"")[end - node.start_byte : child.start_byte - node.start_byte]
            value += _unescape(gap.decode("utf-8", "replace"), only='$`"\\\n')
        if child.type != '"':
            value += _value(child, variables)
        end = child.end_byte
    return value


def _unescape(text: str, only: str | None = None) -> str:
    """Remove the backslashes that quote the next character."""
    value = ""
    characters = iter(text)
    for character in characters:
        if character != "\\":
            value += character
            continue
        quoted = next(characters, "")
        if only is not None and quoted not in only:
            value += "\\"
        # A line continuation is not part of the word.
        value += "" if quoted == "\n" else quoted
    return value
