"""Detects the language of a script by its name or first line, and reads its commands."""

import re
from collections.abc import Iterator

from pinproof.repository.script_names import SHELL_ENDINGS
from pinproof.rules.install_commands.command import Command
from pinproof.rules.install_commands.python import python_commands
from pinproof.rules.install_commands.shell import shell_commands

_SHELL = re.compile(r"^#!.*\b(?:ba|da|a|z|k)?sh\b")
_PYTHON = re.compile(r"^#!.*\bpython")


def script_commands(text: str, name: str, *, line: int = 1) -> Iterator[Command]:
    """Yield the commands of a script, or nothing if its language is unknown."""
    first = text.lstrip("\n").partition("\n")[0]
    if _PYTHON.match(first) or (name.endswith(".py") and not _SHELL.match(first)):
        yield from python_commands(text, shell_commands, line=line)
    elif _SHELL.match(first) or name.endswith(SHELL_ENDINGS):
        yield from shell_commands(text, line=line)
