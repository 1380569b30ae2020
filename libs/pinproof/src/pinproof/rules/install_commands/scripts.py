"""Detects the language of a script by its name or first line, and reads its commands."""

import re
from collections.abc import Callable, Iterator

from pinproof.repository import kinds
from pinproof.repository.kinds import Kind, kind_of
from pinproof.rules.install_commands.command import Command
from pinproof.rules.install_commands.notebook import magic_commands
from pinproof.rules.install_commands.python import python_commands
from pinproof.rules.install_commands.shell import shell_commands

Reader = Callable[[str, str, int], Iterator[Command]]
"""Yields the commands of a text, given its name and the number of its first line."""

_SHEBANG = re.compile(r"^\s*#!.*\b(?:(?P<shell>(?:ba|da|a|z|k)?sh)\b|python)")


def script_reader(kind: Kind, text: str) -> Reader | None:
    """The reader for a script of a kind, or for the language that its first line names."""
    first = _SHEBANG.match(text)
    if first is not None:
        return _shell if first["shell"] else _python
    return {kinds.SHELL: _shell, kinds.PYTHON: _python, kinds.SETUP_PY: _python}.get(kind)


def script_commands(text: str, name: str, *, line: int = 1) -> Iterator[Command]:
    """Yield the commands of a script, or nothing if its language is unknown."""
    reader = script_reader(kind_of(name), text)
    if reader is not None:
        yield from reader(text, name, line)


def _shell(text: str, _name: str, line: int) -> Iterator[Command]:
    return shell_commands(text, line=line)


def _python(text: str, _name: str, line: int) -> Iterator[Command]:
    yield from python_commands(text, shell_commands, line=line)
    yield from magic_commands(text)
