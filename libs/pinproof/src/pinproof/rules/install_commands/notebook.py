"""Reads the commands of a notebook: magics, shell escapes, and the programs in its cells."""

import json
import re
from collections.abc import Iterator

from pinproof.rules.install_commands.command import Command
from pinproof.rules.install_commands.python import python_commands
from pinproof.rules.install_commands.shell import shell_commands
from pinproof.rules.install_commands.text_lines import line_commands

_SHELL_CELL = re.compile(r"\s*%%(?:!|(?:script\s+)?(?:bash|sh|zsh)\b|sx\b|system\b)")
# `!command`, `%pip install`, `x = !command`, `%sx command`
_MAGIC = re.compile(r"^(\s*)(?:[\w, ]+=\s*)?(?:!!?|%(?:sx |system )?)(.*)$")
# Databricks writes notebooks as programs with magics in comments.
_DATABRICKS = re.compile(r"^# MAGIC +(?:%sh\b|[%!])?(.*)$", re.MULTILINE)
# Values of Python in a shell command.
_VALUE = re.compile(r"\{sys\.executable\}|\$sys\.executable|\{[^{}]*\}")


def notebook_commands(text: str) -> Iterator[Command]:
    """Yield the commands of every cell with code.

    Raises:
        ValueError: The text is not a notebook.
    """
    notebook = json.loads(text)
    language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    place = 0
    worksheets = notebook.get("worksheets") or [notebook]
    for cell in (cell for sheet in worksheets for cell in sheet.get("cells", ())):
        source = cell.get("source") or cell.get("input") or ""
        lines = "".join(source).splitlines(keepends=True)
        if cell.get("cell_type") != "code" or not lines:
            continue
        found = text.find(json.dumps(lines[0], ensure_ascii=False)[1:-1], place)
        place = max(place, found)
        line = text.count("\n", 0, place) + 1
        code = "".join(lines)
        if language != "python":
            yield from line_commands(code, line=line)
        elif _SHELL_CELL.match(code):
            yield from shell_commands(code.partition("\n")[2], line=line + 1)
        else:
            yield from _cell(code, line)


def magic_commands(text: str) -> Iterator[Command]:
    """Yield the commands of magics in the comments of a program, as Databricks writes them."""
    for found in _DATABRICKS.finditer(text):
        yield from shell_commands(found[1].strip(), line=text.count("\n", 0, found.start()) + 1)


def _cell(code: str, line: int) -> Iterator[Command]:
    program = []
    for number, written in enumerate(code.split("\n"), start=line):
        if magic := _MAGIC.match(written):
            script = _VALUE.sub(
                lambda match: "python" if "sys.executable" in match[0] else "${value}", magic[2]
            )
            yield from shell_commands(script, line=number)
            program.append(f"{magic[1]}pass")
        else:
            program.append(written)
    yield from python_commands("\n".join(program), shell_commands, line=line)
