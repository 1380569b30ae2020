"""Reads the commands of a shell script."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import islice, product
from pathlib import PurePosixPath

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from pinproof.rules.install_commands.command import (
    UNKNOWN,
    Command,
    Word,
    inner_scripts,
    is_call,
    is_harmless,
)
from pinproof.rules.install_commands.python import python_commands
from pinproof.rules.install_commands.shell_variables import Variables, value_of
from pinproof.rules.install_commands.syntax import descendants, parse, text_of
from pinproof.rules.install_commands.templates import without_expressions

_SHELLS = frozenset({"ash", "bash", "dash", "fish", "ksh", "sh", "zsh"})
_PYTHON = re.compile(r"(?:python|py|pypy)[\d.]*")
_ARGUMENTS = frozenset(
    {"ansi_c_string", "arithmetic_expansion", "brace_expression", "command_substitution"}
    | {"concatenation", "expansion", "number", "process_substitution", "raw_string"}
    | {"simple_expansion", "string", "translated_string", "word"}
)
_SCRIPT_NAME = re.compile(
    r".*\.(?:sh|bash|zsh|ksh|command)|(?:.*\.)?Dockerfile.*|.*(?:rc|profile|install|setup|run)"
)
_SETTING = re.compile(r"(?:PIP|UV)_\w+")
_SEPARATORS = re.compile(r"&&|\|\||[;|]|(?:^|\s)#.*")
# Scripts within scripts are read to this depth, and this many values of the variables of a command.
_DEEPEST, _MOST = 5, 16


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
    nodes = parse(without_expressions(text), _parser())
    script = _Script(Variables(nodes, variables or {}), line, depth)
    for node in nodes:
        yield from script.commands(node)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def _program(words: tuple[Word, ...]) -> str:
    return PurePosixPath(words[0].value).name if words else ""


def _names(words: tuple[Word, ...]) -> list[str]:
    return [PurePosixPath(word.value).name for word in words]


def _is_kept(words: tuple[Word, ...]) -> bool:
    """Whether a command writes what it reads into a script."""
    return "tee" in _names(words) and any(map(_SCRIPT_NAME.fullmatch, _names(words)))


class _Script:
    """A script with its known variables."""

    def __init__(self, variables: Variables, line: int, depth: int) -> None:
        self._variables = variables
        self._constants = variables.constants()
        self._line = line
        self._depth = depth
        self._settings = tuple(
            Word(f"{name}={variables.values[name][-1]}", name)
            for name in sorted(variables.exported)
            if _SETTING.fullmatch(name)
        )

    def commands(self, node: Node) -> Iterator[Command]:
        """Yield the command of a node, if it is one, and those of the scripts in its words."""
        line = self._line + node.start_point.row
        if node.type == "command":
            for words in self._alternatives(node):
                yield Command(line, words, self._set(node))
                yield from self._inner(words, line)
                yield from self._written(node, words, line)
        elif node.type == "heredoc_body":
            yield from self._document(node)
        elif node.type == "ERROR":
            yield from self._unparsed(text_of(node), line)

    def _unparsed(self, text: str, line: int) -> Iterator[Command]:
        """Read text that cannot be parsed word by word."""
        for number, each in enumerate(text.replace("\\\n", "  ").split("\n"), start=line):
            for part in _SEPARATORS.split(each):
                words = tuple(Word(word.strip("\"'`(){};"), word) for word in part.split())
                yield Command(number, words)

    def _set(self, command: Node) -> tuple[Word, ...]:
        """The settings of installers that apply to a command."""
        return (
            *self._settings,
            *(
                Word(f"{name}={self._value(value)}", text_of(child))
                for child in command.children
                if child.type == "variable_assignment"
                and _SETTING.fullmatch(name := text_of(child.child_by_field_name("name")))
                and (value := child.child_by_field_name("value"))
            ),
        )

    def _value(self, node: Node) -> str:
        return value_of(node, self._constants)

    def _alternatives(self, command: Node) -> Iterator[tuple[Word, ...]]:
        """Yield the words of a command for each value that its variables may have."""
        names = self._variables.several(command)
        values = (self._variables.values[name] for name in names)
        yield from dict.fromkeys(
            tuple(
                self._words(command, {**self._constants, **dict(zip(names, chosen, strict=True))})
            )
            for chosen in islice(product(*values), _MOST)
        )

    def _words(self, command: Node, constants: Mapping[str, str]) -> Iterator[Word]:
        pieces: list[Node] = []
        for child in command.children:
            node = child.children[0] if child.type == "command_name" else child
            if node.type in _ARGUMENTS:
                # The parser splits some words without a space, such as 'a'\b.
                if pieces and pieces[-1].end_byte != node.start_byte:
                    yield from self._split(pieces, constants)
                    pieces = []
                pieces.append(node)
        if pieces:
            yield from self._split(pieces, constants)
        parent = command.parent
        if parent is not None and parent.type == "redirected_statement":
            # `install >log numpy`: the parser adds the words that follow to the redirection.
            for redirect in parent.children:
                if redirect.type == "file_redirect":
                    words = [child for child in redirect.children if child.type in _ARGUMENTS]
                    for word in words[1:]:
                        yield from self._split([word], constants)

    def _split(self, pieces: list[Node], constants: Mapping[str, str]) -> Iterator[Word]:
        value = "".join(value_of(node, constants) for node in pieces)
        source = "".join(map(text_of, pieces))
        is_array = len(pieces) == 1 and source.strip('"').endswith(("[@]}", "[*]}"))
        if is_array and UNKNOWN not in value:
            for part in shlex.split(value):
                yield Word(part, part)
            return
        is_expansion = pieces[0].type in ("simple_expansion", "expansion")
        if len(pieces) == 1 and is_expansion and (UNKNOWN not in value or " " in value):
            # Not quoted: the shell splits the value into words.
            for part in value.split():
                yield Word(part, part if UNKNOWN not in part else source)
        else:
            is_variable = "$" in source and UNKNOWN not in value
            yield Word(value, value if is_variable else source)

    def _inner(self, words: tuple[Word, ...], line: int) -> Iterator[Command]:
        """Yield the commands of scripts in the words: `bash -c "..."`, `eval "..."`."""
        if self._depth >= _DEEPEST:
            return
        if _PYTHON.fullmatch(_program(words)):
            for place, word in enumerate(words[:-1]):
                if word.value == "-c":
                    yield from python_commands(words[place + 1].value, shell_commands, line=line)
            return
        for script in inner_scripts(words):
            yield from self._script(script, line)

    def _written(self, node: Node, words: tuple[Word, ...], line: int) -> Iterator[Command]:
        """Yield the commands of a text that a command prints for a shell, or into a script."""
        if self._depth >= _DEEPEST:
            return
        for child in node.children:
            if child.type == "herestring_redirect":
                text = self._value(child.children[-1])
                if _PYTHON.fullmatch(_program(words)):
                    yield from python_commands(text, shell_commands, line=line)
                elif _program(words) in _SHELLS or _is_kept(words):
                    yield from self._script(text, line)
        if _program(words) in ("echo", "printf") and self._is_read(node):
            given = [word.value for word in words[1:] if not word.value.startswith("-")]
            text = " ".join(given).replace("\\n", "\n")
            yield from self._script(text, line)

    def _is_read(self, node: Node) -> bool:
        """Whether a shell reads the output of a command, or a script keeps it."""
        statement: Node | None = node
        while statement is not None and not statement.type.endswith(("program", "definition")):
            pipelines = [statement] if statement.type == "pipeline" else []
            if statement.type == "redirected_statement":
                within = [
                    each for each in descendants(statement) if each.start_byte > node.end_byte
                ]
                pipelines = [each for each in within if each.type == "pipeline"]
                targets = [each for each in within if each.type == "file_redirect"]
                names = (PurePosixPath(self._value(each.children[-1])).name for each in targets)
                if any(map(_SCRIPT_NAME.fullmatch, names)):
                    return True
            readers = (
                reader
                for pipeline in pipelines
                for reader in descendants(pipeline)
                if reader.type == "command" and reader.start_byte > node.start_byte
            )
            for reader in readers:
                words = tuple(self._words(reader, self._constants))
                if _is_kept(words) or not _SHELLS.isdisjoint(_names(words)):
                    return True
            statement = statement.parent
        return False

    def _document(self, body: Node) -> Iterator[Command]:
        """Yield the commands of a here-document that an interpreter reads."""
        statement = body.parent
        while statement is not None and statement.type != "redirected_statement":
            statement = statement.parent
        reader = statement.child_by_field_name("body") if statement is not None else None
        if reader is None or self._depth >= _DEEPEST:
            return
        commands = [node for node in descendants(reader) if node.type == "command"]
        words = tuple(word for node in commands for word in self._words(node, self._constants))
        programs = set(_names(words))
        text, line = text_of(body), self._line + body.start_point.row
        first = text.lstrip().partition("\n")[0]
        if any(map(_PYTHON.fullmatch, programs)) or (first.startswith("#!") and "python" in first):
            yield from python_commands(text, shell_commands, line=line)
        elif (
            not _SHELLS.isdisjoint(programs)
            or first.startswith("#!")
            or self._is_read(reader)
            or _is_kept(words)
        ):
            yield from self._script(text, line)
        elif words and not is_harmless([word.value for word in words]):
            yield from (each for each in self._script(text, line) if is_call(f"{_text(each)} "))

    def _script(self, text: str, line: int) -> Iterator[Command]:
        readable = text.replace(UNKNOWN, "${unknown}")
        for command in shell_commands(
            readable, line=line, variables=self._constants, depth=self._depth + 1
        ):
            settings = dict.fromkeys((*self._settings, *command.settings))
            yield replace(command, settings=tuple(settings))


def _text(command: Command) -> str:
    return " ".join(word.value for word in command.words)
