"""CSV files, plain or compressed with gzip, read piece by piece as text."""

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

import numpy as np
import pandas as pd
from servicekit.file_kinds import check_separator
from servicekit.files import DataError

from bankchurn.data.file_kinds import TABLES

__all__ = ["read_csv", "read_csv_header"]

_FEW: Final = 1_000

# Far more than a customer takes. Without a bound, one line could fill the memory: a gzip file of
# one megabyte can hold a gigabyte of it.
MAX_LINE: Final = 2**20


def read_csv_header(path: Path) -> list[str]:
    """The names of a CSV file's columns, as they are written; a name may occur twice.

    Raises:
        DataError: The file is damaged, or not of the form that `read_csv` reads.
    """
    with _csv_errors(path), _open(path) as file:
        return _header(path, _records(_lines(file)))


def read_csv(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """Read a CSV file in pieces.

    Args:
        path: The file: UTF-8, comma-separated, with a header; compressed if it ends in ``.gz``.
        rows: The most rows of a piece.

    Yields:
        Pieces whose cells are text as it was written, or NaN where a cell is empty.

    Raises:
        DataError: The file is damaged, or not of this form.
    """
    # The csv module and not pandas, which fills a row that is too short with blanks.
    with _csv_errors(path), _open(path) as file:
        records = _records(_lines(file))
        header = _header(path, records)
        while len(piece := _take(records, header, rows)):
            yield piece


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    with TABLES.open(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
        yield file


@contextmanager
def _csv_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} cannot be decoded. "
            "Convert it from the encoding that it was written in, for example, if that is Western "
            "European Windows, with: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
        ) from error
    except csv.Error as error:
        raise DataError(
            f"{path} is not a well-formed CSV file: {error}. Every row must have as many "
            "comma-separated fields as the header."
        ) from error


def _lines(file: TextIO) -> Iterator[str]:
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            raise csv.Error(f"a line is longer than {MAX_LINE:,} characters")
        yield line


def _records(lines: Iterable[str]) -> Iterator[list[str]]:
    """The header and the rows, of which each has as many fields; blank lines are left out."""
    reader = csv.reader(lines, strict=True)
    length = row = 0
    try:
        for fields in reader:
            if len(fields) < 2 and not "".join(fields).strip():  # noqa: PLR2004 - a blank line
                continue
            length = length or len(fields)
            if len(fields) != length:
                raise _wrong_length(row, len(fields), length)
            yield fields
            row += 1
    except csv.Error as error:
        raise csv.Error(f"line {reader.line_num}: {error}") from error


def _wrong_length(row: int, found: int, expected: int) -> csv.Error:
    fields = f"{found} field{'s' if found > 1 else ''}"
    return csv.Error(
        f"row {row} (counted from 1, without the header) has {fields}, the header {expected}"
    )


def _header(path: Path, records: Iterator[list[str]]) -> list[str]:
    header = next(records, None)
    if header is None:
        raise DataError(f"{path} has no columns. Give a table with a header.")
    check_separator(path, header)
    return header


def _take(records: Iterator[list[str]], header: list[str], rows: int) -> pd.DataFrame:
    # A few at a time: many lists that live at once keep the garbage collector busy.
    parts = [np.empty((0, len(header)), dtype=object)]
    for start in range(0, rows, _FEW):
        few = list(islice(records, min(_FEW, rows - start)))
        if not few:
            break
        parts.append(np.array(few, dtype=object))
    cells = np.concatenate(parts)
    # Only an empty cell is unknown; "NA" is a value, and not a valid one.
    cells[cells == ""] = np.nan
    return pd.DataFrame(np.asfortranarray(cells), columns=header)
