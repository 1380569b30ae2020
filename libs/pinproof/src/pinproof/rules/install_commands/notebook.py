"""Reads the commands of notebooks and documents: each cell and chunk with code is a script."""

import json
import re
from collections.abc import Iterator

from pinproof.repository.installer_words import INSTALLERS
from pinproof.rules.install_commands.command import Script

# A chunk of a document, with its language.
_CHUNK = re.compile(
    r"^[ \t]*```+[ \t]*\{(\w+)[^\n]*\}[ \t]*\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL
)
_LANGUAGES = {"python": ".py", "bash": ".sh", "sh": ".sh", "zsh": ".sh"}
_SHELL_CELL = re.compile(r"\s*%%(?:!|(?:script\s+)?(?:bash|sh|zsh)\b|sx\b|system\b)")
# Magics that call no installer are no Python.
_OTHER_MAGIC = re.compile(
    rf"^([ \t]*)(?:[\w, ]+=[ \t]*)?[%!](?!.*\b{INSTALLERS}\s).*$", re.MULTILINE
)


def notebook_commands(script: Script) -> Iterator[Script]:
    """Yield every cell with code.

    Raises:
        ValueError: The text is not a notebook.
    """
    notebook = json.loads(script.text)
    language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    place = 0
    worksheets = notebook.get("worksheets") or [notebook]
    for cell in (cell for sheet in worksheets for cell in sheet.get("cells", ())):
        source = cell.get("source") or cell.get("input") or ""
        lines = "".join(source).splitlines(keepends=True)
        if cell.get("cell_type") != "code" or not lines:
            continue
        found = script.text.find(json.dumps(lines[0], ensure_ascii=False)[1:-1], place)
        place = max(place, found)
        line = script.line + script.text.count("\n", 0, place)
        code = "".join(lines)
        if language != "python":
            yield Script(code, ".txt", line, depth=1)
        elif _SHELL_CELL.match(code):
            yield Script("\n" + code.partition("\n")[2], ".sh", line, depth=1)
        else:
            yield Script(_OTHER_MAGIC.sub(r"\1pass", code), ".py", line, depth=1)


def chunk_commands(script: Script) -> Iterator[Script]:
    """Yield every chunk of a document of Quarto or R Markdown."""
    for chunk in _CHUNK.finditer(script.text):
        line = script.line + script.text.count("\n", 0, chunk.start(2))
        yield Script(chunk[2], _LANGUAGES.get(chunk[1].lower(), ".txt"), line, depth=1)
