"""Tells the language of a script by its name or its first line, and reads it."""

import re
from collections.abc import Iterator

from pinproof.doors.command import Command

__all__ = ["script_commands"]

_SHELL = re.compile(r"^#!.*\b(?:ba|da|a|z|k)?sh\b")
_PYTHON = re.compile(r"^#!.*\bpython")


def script_commands(text: str, name: str, *, line: int = 1) -> Iterator[Command]:
    """Yield the commands of a script; none of a text that is no script in a known language."""
    first = text.lstrip("\n").partition("\n")[0]
    if _PYTHON.match(first) or (name.endswith(".py") and not _SHELL.match(first)):
        from pinproof.doors.python import python_commands  # noqa: PLC0415

        yield from python_commands(text, line=line)
    elif _SHELL.match(first) or name.endswith((".sh", ".bash", ".ksh", ".zsh")):
        from pinproof.doors.shell import shell_commands  # noqa: PLC0415

        yield from shell_commands(text, line=line)
