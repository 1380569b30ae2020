"""Reads the commands of a file, and of the scripts in it, with the reader for their kinds."""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

from pinproof.repository import kinds
from pinproof.repository.kinds import Kind, is_template, kind_of
from pinproof.repository.lines import NotTextError, decode
from pinproof.rules.install_commands.command import Command, Reader, Script, without_expressions
from pinproof.rules.install_commands.data import data_commands
from pinproof.rules.install_commands.dockerfile import dockerfile_commands
from pinproof.rules.install_commands.makefile import makefile_commands
from pinproof.rules.install_commands.notebook import chunk_commands, notebook_commands
from pinproof.rules.install_commands.python import python_commands
from pinproof.rules.install_commands.shell import shell_commands
from pinproof.rules.install_commands.text_lines import line_commands

_LARGEST = 4 * 1024 * 1024
# Scripts within scripts are read to this depth.
_DEEPEST = 6
_SHEBANG = re.compile(r"^\s*#!.*\b(?:(?P<shell>(?:ba|da|a|z|k)?sh)\b|python)")


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
    try:
        text = decode(data)
    except NotTextError as error:
        if kind is kinds.OTHER:
            return
        raise UnreadableError(f"it is not text, {error}") from error
    reader = _reader(kind, text)
    if len(data) > _LARGEST:
        if reader not in (data_commands, line_commands):
            raise UnreadableError(f"it is larger than {_LARGEST} bytes")
        # Too large for a parser. Such data has no commands over several lines.
        reader = line_commands
    if reader is not data_commands and (is_template(path) or kind not in kinds.PYTHON_KINDS):
        # Any script may be a template, and its name need not say so.
        text = without_expressions(text)
    pending = deque([(reader, Script(text, path))])
    try:
        while pending:
            reader, script = pending.popleft()
            for found in reader(script):
                if isinstance(found, Command):
                    yield found
                elif found.depth < _DEEPEST:
                    pending.append((_reader(kind_of(found.name), found.text), found))
    except (SyntaxError, ValueError, RecursionError) as error:
        # The messages of parsers change between versions.
        raise UnreadableError("it cannot be parsed") from error


def _reader(kind: Kind, text: str) -> Reader:
    """The reader for a kind of file, or for the language that its first line names."""
    first = _SHEBANG.match(text)
    if first is not None and kind not in _STRUCTURED:
        return shell_commands if first["shell"] else python_commands
    return _READERS.get(kind, line_commands)


_STRUCTURED: Mapping[Kind, Reader] = {
    kinds.DOCKERFILE: dockerfile_commands,
    kinds.MAKEFILE: makefile_commands,
    kinds.NOTEBOOK: notebook_commands,
    kinds.CHUNKS: chunk_commands,
    **dict.fromkeys((kinds.YAML, kinds.JSON, kinds.TOML, kinds.PYPROJECT), data_commands),
    **dict.fromkeys((kinds.CONDA, kinds.PIXI, kinds.CONDA_RECIPE), data_commands),
}
_READERS: Mapping[Kind, Reader] = {
    **_STRUCTURED,
    kinds.SHELL: shell_commands,
    **dict.fromkeys((kinds.PYTHON, kinds.SETUP_PY), python_commands),
}
