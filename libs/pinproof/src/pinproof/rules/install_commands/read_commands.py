"""Reads the commands of a file with the reader for its kind."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from pinproof.repository import kinds
from pinproof.repository.installer_words import may_install
from pinproof.repository.kinds import Kind, is_template, kind_of
from pinproof.repository.lines import NotTextError, decode
from pinproof.rules.install_commands.command import Command
from pinproof.rules.install_commands.data import data_commands
from pinproof.rules.install_commands.dockerfile import dockerfile_commands
from pinproof.rules.install_commands.makefile import makefile_commands
from pinproof.rules.install_commands.notebook import notebook_commands
from pinproof.rules.install_commands.scripts import Reader, script_reader
from pinproof.rules.install_commands.templates import without_expressions
from pinproof.rules.install_commands.text_lines import line_commands

_LARGEST = 4 * 1024 * 1024


class UnreadableError(Exception):
    """A file cannot be parsed; the message says why."""


def read_commands(root: Path, path: str) -> Iterator[Command]:
    """Yield the commands of a file below `root`.

    Raises:
        UnreadableError: It cannot be parsed.
    """
    try:
        data = (root / path).read_bytes()
    except OSError as error:
        raise UnreadableError(error.strerror or "it cannot be read") from error
    kind = kind_of(path)
    if kind not in kinds.PROGRAMS and not may_install(data, anywhere=kind in kinds.PYTHON_KINDS):
        return
    try:
        text = decode(data)
    except NotTextError as error:
        if kind is kinds.OTHER:
            return
        raise UnreadableError(f"it is not text, {error}") from error
    if _reader(kind, text) is not _data and (is_template(path) or kind not in kinds.PYTHON_KINDS):
        # Any script may be a template, and its name need not say so.
        text = without_expressions(text)
    reader = _reader(kind, text)
    if len(data) > _LARGEST:
        if reader not in (_data, _lines):
            raise UnreadableError(f"it is larger than {_LARGEST} bytes")
        # Too large for a parser. Such data has no commands over several lines.
        reader = _lines
    try:
        yield from reader(text, path, 1)
    except (SyntaxError, ValueError, RecursionError) as error:
        # The messages of parsers change between versions.
        raise UnreadableError("it cannot be parsed") from error


def _reader(kind: Kind, text: str) -> Reader:
    if kind in _STRUCTURED:
        return _STRUCTURED[kind]
    return script_reader(kind, text) or _lines


def _embedded(name: str, text: str, line: int) -> Iterator[Command] | None:
    """The commands of a file in a value, or None if it is no file that is known by its name."""
    kind = kind_of(name) if name else kinds.OTHER
    if not kind.has_commands:
        return iter(())
    reader = _reader(kind, text)
    return None if reader is _lines else reader(text, name, line)


def _lines(text: str, _name: str, line: int) -> Iterator[Command]:
    return line_commands(text, line=line)


def _placed(read: Callable[[str], Iterator[Command]]) -> Reader:
    """A reader for texts that begin at any line."""

    def reader(text: str, _name: str, line: int) -> Iterator[Command]:
        for command in read(text):
            yield replace(command, line=command.line + line - 1)

    return reader


def _data(text: str, name: str, line: int) -> Iterator[Command]:
    is_conda = kind_of(name) is kinds.CONDA
    read = partial(data_commands, name=name, read_file=_embedded, is_conda=is_conda)
    return _placed(read)(text, name, line)


_STRUCTURED: Mapping[Kind, Reader] = {
    kinds.DOCKERFILE: _placed(dockerfile_commands),
    kinds.MAKEFILE: _placed(makefile_commands),
    kinds.NOTEBOOK: _placed(notebook_commands),
    **dict.fromkeys((kinds.YAML, kinds.JSON, kinds.TOML, kinds.PYPROJECT), _data),
    **dict.fromkeys((kinds.CONDA, kinds.PIXI, kinds.CONDA_RECIPE), _data),
}
