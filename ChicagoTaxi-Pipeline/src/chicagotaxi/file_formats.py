"""File formats of tables (`servicekit.file_kinds`), and the header of a CSV file."""

import csv
import io
import re
from pathlib import Path
from typing import Final

from modelseal.path_kinds import printable
from servicekit.file_kinds import FileKinds
from servicekit.files import DataError

SUFFIXES: Final = (".csv", ".csv.gz", ".parquet", ".pq")
_MAX_HEADER: Final = 2**20

TABLES: Final = FileKinds(SUFFIXES, contents="trips or counts")
"""Files that commands read tables from."""


def check_engine_path(path: Path) -> None:
    """Refuse a path that the engines and Arrow cannot open.

    Raises:
        DataError: The absolute path is not UTF-8.
    """
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{printable(path)}: the path is not UTF-8, which the engines require. Rename its "
            "parts that are not UTF-8."
        ) from error


def read_header(path: Path) -> tuple[str, ...]:
    """The names of a CSV file's columns. Bytes that are not UTF-8 become surrogates.

    Raises:
        DataError: The file cannot be read, is of another format, damaged, or has no header.
    """
    text, whole = _first_text(path)
    lines = io.StringIO(text, newline="")
    try:
        names = next(csv.reader(lines, strict=True), [])
    except csv.Error as error:
        raise DataError(
            f"{path}: the header cannot be read: {error}. Give UTF-8 text with a header line."
        ) from error
    if not whole and not lines.read(1):
        raise DataError(f"{path}: the header is longer than {_MAX_HEADER:,} bytes. Shorten it.")
    if any(re.search(r"\r(?!\n)", name) for name in names):
        # It would be taken for the end of this line and of all lines.
        raise DataError(f"{path}: a column's name holds a carriage return. Remove it.")
    if not any(names):
        raise DataError(f"{path} has no header in its first line. Give a table with a header.")
    return tuple(names)


def line_end(path: Path) -> str:
    """The line end of a CSV file's header, whose names may have other line breaks."""
    text, _ = _first_text(path)
    lines = io.StringIO(text, newline="")
    next(csv.reader(lines))
    header = text[: lines.tell()]
    return "\r\n" if header.endswith("\r\n") else header[-1]


def has_rows(path: Path) -> bool:
    """Whether a CSV file has a line that is not blank after its header."""
    with (
        TABLES.open(path) as file,
        io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="") as lines,
    ):
        next(csv.reader(lines))
        return any(line.strip() for line in lines)


def _first_text(path: Path) -> tuple[str, bool]:
    """The beginning of a file's text, and whether that is the whole file."""
    with TABLES.open(path) as file:
        begin = file.read(_MAX_HEADER + 1)
    return begin[:_MAX_HEADER].decode("utf-8-sig", "surrogateescape"), len(begin) <= _MAX_HEADER
