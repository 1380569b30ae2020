"""Reads the commands of a Dockerfile: each instruction is a script of the shell."""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

from pinproof.rules.install_commands.command import UNKNOWN, Command, Script, Word
from pinproof.rules.install_commands.shell import shell_commands, shell_variables

# An instruction with its flags, and the lines that continue it, which may be comments.
_INSTRUCTION = re.compile(
    r"^[ \t]*((?:ONBUILD[ \t]+|HEALTHCHECK[ \t]+(?:--\S+[ \t\\\n]+)*(?=CMD))*)([A-Za-z]+)\b"
    r"((?:[ \t\\\n]+--[a-z][\w-]*(?:=\S+)?)*)((?:.*\\[ \t]*\n(?:[ \t]*(?:#.*)?\n)*)*.*)(?:\n|\Z)",
    re.MULTILINE | re.IGNORECASE,
)
_COMMENT = re.compile(r"(?<=\n)[ \t]*(?:#.*)?(?=\n)")
_DOCUMENT = re.compile(r"<<-?[\"']?(\w+)[\"']?")
_RUNS = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL"})
_KNOWN = _RUNS | frozenset(
    {"ADD", "ARG", "COPY", "ENV", "EXPOSE", "FROM", "LABEL", "MAINTAINER", "STOPSIGNAL", "USER"}
    | {"VOLUME", "WORKDIR"}
)


class _Instruction(NamedTuple):
    """An instruction of a Dockerfile; `text` begins on `line` and has its here-documents."""

    name: str
    flags: str
    text: str
    documents: str
    line: int


def dockerfile_commands(script: Script) -> Iterator[Command | Script]:
    """Yield the commands of the build, and those that start the container."""
    instructions = list(_instructions(script))
    variables = _variables(instructions)
    copied = _CopiedFiles()
    for each in instructions:
        if each.name == "FROM":
            copied = _CopiedFiles()
        elif each.name == "WORKDIR":
            copied.change_folder(each.text.strip())
        elif each.name in ("COPY", "ADD") and not each.documents and "--from" not in each.flags:
            paths = each.text.split()
            copied.copy(_listed(each.text) or [path.strip("\"'") for path in paths])
        elif text := _script(each):
            inner = Script(text, ".sh", each.line, variables, script.depth + 1)
            for command in shell_commands(inner):
                yield copied.locate(command) if isinstance(command, Command) else command


def _instructions(script: Script) -> Iterator[_Instruction]:
    text, place = script.text, 0
    while found := _INSTRUCTION.search(text, place):
        place = found.end()
        written = _COMMENT.sub(r"\\", found[4])
        for name in _DOCUMENT.findall(written):
            end = re.compile(rf"^\s*{name}$\n?", re.MULTILINE).search(text, place)
            place = end.end() if end else len(text)
        line, name = script.line + text.count("\n", 0, found.start(4)), found[2].upper()
        if name not in _KNOWN:
            # A part of a template, or a text that no builder accepts.
            name, written = "RUN", found[2] + found[3] + written
        yield _Instruction(name, found[3], written, text[found.end() : place], line)


def _listed(text: str) -> list[str] | None:
    """The words of an instruction in the form of a list."""
    try:
        words = json.loads(text.replace("\\\n", ""), strict=False)
    except ValueError:
        return None
    return [str(word) for word in words] if isinstance(words, list) else None


def _script(each: _Instruction) -> str:
    """The script of the shell that an instruction means, on the same lines."""
    text = each.text
    if each.name in ("COPY", "ADD"):
        # The documents are written into the last path.
        *documents, target = text.split()
        return f"cat > {target} {' '.join(documents)}\n{each.documents}"
    if each.name not in _RUNS:
        return ""
    if words := _listed(text):
        return shlex.join(words)
    # The documents may be scripts themselves.
    shell = "sh " if text.lstrip().startswith("<<") else ""
    return f"{shell}{text}\n{each.documents}"


def _variables(instructions: list[_Instruction]) -> Mapping[str, str]:
    """The variables that ENV sets once. Build arguments are unknown."""
    lines = []
    for each in instructions:
        if each.name == "ARG":
            lines.append(f"read {each.text.partition('=')[0].strip()}")
        elif each.name == "ENV":
            name, _, value = each.text.strip().partition(" ")
            lines.append(f"export {each.text if '=' in name else f'{name}={shlex.quote(value)}'}")
    variables = shell_variables("\n".join(lines))
    return {name: value for name, value in variables.items() if UNKNOWN not in value}


class _CopiedFiles:
    """The paths of the files of the repository in one build stage, from COPY and ADD."""

    def __init__(self) -> None:
        self._folder = "/"
        self._copied: list[tuple[str, str]] = []

    def change_folder(self, path: str) -> None:
        """WORKDIR."""
        self._folder = self._absolute(path)

    def copy(self, paths: Sequence[str]) -> None:
        """COPY or ADD from the repository: the sources, and the target as the last path."""
        *sources, target = paths
        into = self._absolute(target)
        for source in sources:
            inside = source.lstrip("/") or "."
            # The source may be a file, or a folder whose contents are copied.
            self._copied.append((into, inside))
            self._copied.append((f"{into.rstrip('/')}/{PurePosixPath(inside).name}", inside))

    def locate(self, command: Command) -> Command:
        """The command with each path of a copied file replaced by its path in the repository."""
        words = tuple(
            replace(word, value=self._source(word)) if word.value.startswith("/") else word
            for word in command.words
        )
        return replace(command, words=words)

    def _absolute(self, path: str) -> str:
        return os.path.normpath(PurePosixPath(self._folder, path))

    def _source(self, word: Word) -> str:
        path, bracket, extras = word.value.partition("[")
        for target, source in reversed(self._copied):
            if PurePosixPath(path).is_relative_to(target):
                below = PurePosixPath(source, PurePosixPath(path).relative_to(target))
                return f"./{below}{bracket}{extras}" if str(below) != "." else f".{bracket}{extras}"
        return word.value
