"""Writes a report as Markdown, JSON and HTML."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path

from pinproof.closure.replace_files import replace_files
from pinproof.errors import PinproofError
from pinproof.proof.document import Document, render_html

FORMAT = 1


def write_report(
    folder: Path, name: str, document: Document, facts: Mapping[str, object]
) -> list[Path]:
    """Write NAME.md, NAME.json and NAME.html, each complete or not at all.

    Args:
        folder: The folder. It is created.
        name: The name of the files.
        document: The report for people.
        facts: The contents of the JSON file.

    Raises:
        PinproofError: The folder cannot be written.
    """
    data = {"format": FORMAT, "verdict": document.verdict, **facts}
    texts = {
        "md": document.markdown,
        "json": json.dumps(plain(data), indent=2, allow_nan=False) + "\n",
        "html": render_html(document),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_files({folder / f"{name}.{suffix}": text for suffix, text in texts.items()})
    except OSError as error:
        raise PinproofError(
            f"The report cannot be written to {folder}: {error.strerror}.",
            remedy="Name a writable folder with --report.",
        ) from error
    return [folder / f"{name}.{suffix}" for suffix in texts]


def plain(value: object) -> object:
    """Convert a value for JSON. Infinite numbers become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
