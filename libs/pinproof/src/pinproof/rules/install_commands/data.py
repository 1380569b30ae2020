"""Reads the commands in YAML, JSON and TOML: every text and every list of texts that is one."""

import ast
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import tomllib
import yaml

from pinproof.repository.installer_words import INSTALLER, may_install
from pinproof.rules.install_commands.command import UNKNOWN, Command, Word
from pinproof.rules.install_commands.installers import install_targets, is_installer
from pinproof.rules.install_commands.prose import is_prose, is_prose_key
from pinproof.rules.install_commands.shell import shell_commands
from pinproof.rules.install_commands.templates import without_expressions
from pinproof.rules.install_commands.text_lines import line_commands

ReadFile = Callable[[str, str, int], Iterator[Command] | None]
"""Reads a file in a value, given its name, its text and its first line; None if it is no script."""

# The loader of libyaml, if it is available. Both have positions.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_JSON_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_COMMENT_LINE = re.compile(r"^\s*#.*$", re.MULTILINE)
_TRAILING_COMMA = re.compile(r",(?=\s*[\]}])")
_PYTHON = re.compile(r"^(?:import|from)\s+\w", re.MULTILINE)


class _Text(str):
    """A text of YAML, with the number of its first line."""

    __slots__ = ("line",)
    line: int


def data_commands(
    text: str, name: str, read_file: ReadFile, *, is_conda: bool = False
) -> Iterator[Command]:
    """Yield the commands of every document.

    A template that is not of the format before it is filled in is read line by line.

    Args:
        text: The contents of the file.
        name: Its name, whose suffix names the format.
        read_file: Reads a file in a value, such as those of a ConfigMap.
        is_conda: Whether the file is an environment of conda, as its name says.

    Raises:
        ValueError: The text is not of its format, and no line of it calls an installer.
    """
    documents = _documents(text, name)
    if documents is not None:
        for document in documents:
            if isinstance(document, dict) and (is_conda or "channels" in document):
                # These are requirements, and are checked as such.
                document.pop("dependencies", None)
        yield from _Data(text, read_file).commands(documents)
        return
    commands = list(line_commands(text))
    if not any(any(install_targets(command)) for command in commands) and may_install(
        _COMMENT_LINE.sub("", text).encode()
    ):
        raise ValueError("it cannot be parsed")
    yield from commands


def _documents(text: str, name: str) -> list[object] | None:
    suffix = PurePosixPath(name.lower()).suffix
    for variant in dict.fromkeys((text, without_expressions(text))):
        try:
            if suffix == ".toml":
                return [tomllib.loads(variant)]
            return _load_json(variant) if suffix.startswith(".json") else _load_yaml(variant)
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
    return None


def _load_json(text: str) -> list[object]:
    # Comments and trailing commas are allowed in the settings of editors.
    bare = _JSON_COMMENT.sub(lambda match: match[1] or "\n" * match[0].count("\n"), text)
    return [json.loads(_TRAILING_COMMA.sub("", bare), strict=False)]


def _load_yaml(text: str) -> list[object]:
    built: dict[int, object] = {}
    return [_built(node, built) for node in yaml.compose_all(text, Loader=_LOADER)]


def _built(node: yaml.Node, built: dict[int, object]) -> object:
    """The value of a node, with lines. Several nodes, and the node itself, may be an anchor's."""
    if id(node) not in built:
        if isinstance(node, yaml.ScalarNode):
            value = _Text(node.value)
            # The text of a block begins below its indicator.
            value.line = int(node.start_mark.line) + (2 if node.style in ("|", ">") else 1)
            built[id(node)] = value
        elif isinstance(node, yaml.SequenceNode):
            items: list[object] = []
            built[id(node)] = items
            items += [_built(item, built) for item in node.value]
        else:
            entries: dict[str, object] = {}
            built[id(node)] = entries
            for key_node, value_node in node.value:
                key = str(key_node.value)
                while key in entries:
                    # A key that is written twice: both values are read.
                    key += " "
                entries[key] = _built(value_node, built)
    return built[id(node)]


class _Data:
    """A file, whose values are read once each."""

    def __init__(self, text: str, read_file: ReadFile) -> None:
        self._text = text
        self._read_file = read_file
        self._places: dict[str, int] = {}

    def commands(self, documents: list[object]) -> Iterator[Command]:
        pending: list[tuple[str, object]] = [("", document) for document in reversed(documents)]
        seen: set[int] = set()
        while pending:
            key, value = pending.pop()
            if id(value) in seen:
                continue
            if isinstance(value, dict):
                seen.add(id(value))
                yield from self._mapping(value)
                pending += [(str(name), each) for name, each in reversed(value.items())]
            elif isinstance(value, list):
                seen.add(id(value))
                if not is_prose_key(key):
                    yield from self._list(key, value)
                pending += [(key, each) for each in reversed(value)]
            elif isinstance(value, str) and not is_prose_key(key) and INSTALLER.search(value):
                yield from self._string(key, value)

    def _line(self, text: str) -> int:
        """The number of a text's line. Formats without positions are searched for the text."""
        if isinstance(text, _Text):
            return text.line
        first = next((line for line in text.split("\n") if line.strip()), text)
        start = self._places.get(text, 0)
        for form in (json.dumps(text), f"'{text}'", json.dumps(first)[1:-1], first):
            place = self._text.find(form, start)
            if place >= 0:
                self._places[text] = place + 1
                return self._text.count("\n", 0, place) + 1
        return 1

    def _string(self, key: str, text: str) -> Iterator[Command]:
        line = self._line(text)
        script = without_expressions(text)
        if "\n" in text.strip():
            name = key if "." in key or key.lower().endswith("file") else ""
            if not script.startswith("#!") and not name and _is_python(script):
                name = "script.py"
            commands = self._read_file(name, script, line)
            if commands is not None:
                yield from commands
                return
        # Sentences quote commands in backticks, and pages fence them.
        unquoted = next(shell_commands(script.replace("`", " ")), None)
        if "`" in script and ("```" in script or (unquoted and is_prose(unquoted))):
            return
        yield from (each for each in shell_commands(script, line=line) if not is_prose(each))

    def _list(self, key: str, items: list[object]) -> Iterator[Command]:
        texts = [item for item in items if isinstance(item, str)]
        words = _words(texts)
        if any(map(is_installer, words)):
            command = Command(self._line(next(filter(INSTALLER.search, texts))), words)
            if not is_prose(command):
                yield command
        elif key == "pip":
            # A list of requirements: Ray, MLflow, conda.
            yield from self._pip(texts)

    def _mapping(self, entries: dict[str, object]) -> Iterator[Command]:
        """Yield commands whose words are in several values: `pip`, `[install, x]`."""
        lists = [
            (key, _words(value) if isinstance(value, list) else _split(value))
            for key, value in entries.items()
            if not is_prose_key(key)
        ]
        for head, program in lists:
            if len(program) > _LONGEST_HEAD or not any(map(is_installer, program)):
                continue
            if any(install_targets(Command(1, program))):
                continue
            for tail, arguments in lists:
                if tail != head and arguments and not any(map(is_installer, arguments)):
                    yield Command(self._line(program[0].source), (*program, *arguments))
        for key in ("pip", "ansible.builtin.pip"):
            yield from self._module(entries.get(key))

    def _module(self, module: object) -> Iterator[Command]:
        """Ansible's module for pip."""
        if isinstance(module, str) and "=" in module:
            module = dict(word.partition("=")[::2] for word in _words_of(module))
        if isinstance(module, dict):
            names = module.get("name", [])
            yield from self._pip(names if isinstance(names, list) else [names])
            if isinstance(file := module.get("requirements"), str):
                yield from self._pip(["-r", file])

    def _pip(self, arguments: list[str]) -> Iterator[Command]:
        if arguments:
            words = _words([str(each) for each in arguments])
            line = self._line(arguments[-1])
            yield Command(line, (Word("pip", "pip"), Word("install", "install"), *words))


# A program, and options before its subcommand.
_LONGEST_HEAD = 6


def _words(texts: list[object] | list[str]) -> tuple[Word, ...]:
    return tuple(
        Word(without_expressions(text).replace("${", UNKNOWN) if "{{" in text else text, text)
        for text in texts
        if isinstance(text, str)
    )


def _is_python(script: str) -> bool:
    if not _PYTHON.search(script):
        return False
    try:
        ast.parse(script)
    except (SyntaxError, ValueError):
        # A script of the shell may have a program in a here-document.
        return False
    return True


def _words_of(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _split(value: object) -> tuple[Word, ...]:
    """The words of a text on one line that may be a part of a command."""
    if not isinstance(value, str) or "\n" in value or len(value) > _LONGEST_PART:
        return ()
    return tuple(Word(word, value) for word in _words_of(value))


_LONGEST_PART = 200
