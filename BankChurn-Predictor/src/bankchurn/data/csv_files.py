"""CSV files of customers, plain or compressed with gzip, read in pieces as text."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from servicekit.csv_files import read_csv
from servicekit.file_kinds import check_separator
from servicekit.files import DataError

from bankchurn.data.file_kinds import TABLES

_FEW: Final = 1_000


def read_csv_header(path: Path) -> list[str]:
    """The names of a CSV file's columns, as they are written; a name may occur twice.

    Raises:
        DataError: The file is damaged, or not of the form that `read_csv_pieces` reads.
    """
    with _records(path) as (header, _):
        return header


def read_csv_pieces(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    """Read a CSV file in pieces.

    Args:
        path: The file: UTF-8, comma-separated, with a header; compressed if it ends in ``.gz``.
        rows: Maximum number of rows of a piece.

    Yields:
        Pieces whose cells are text as it is written, or NaN where a cell is empty.

    Raises:
        DataError: The file is damaged, or not of this form.
    """
    with _records(path) as (header, records):
        while len(piece := _take(records, header, rows)):
            yield piece


@contextmanager
def _records(path: Path) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """The header and the rows of a file."""
    # The csv module and not pandas, which fills a row that is too short with blanks.
    with TABLES.open(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
        records = _equally_long(path, file)
        try:
            header = next(records, None)
            if header is None:
                raise DataError(f"{path} has no columns. Give a table with a header.")
            check_separator(path, header)
            yield header, records
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} cannot be decoded. "
                "Convert it from its encoding; if that is Western European Windows, with: "
                "iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
            ) from error


def _equally_long(path: Path, file: io.TextIOWrapper) -> Iterator[list[str]]:
    """The header and the rows, which have as many fields; blank lines are left out."""
    length = row = 0
    for line, fields in read_csv(path, file):
        if len(fields) < 2 and not "".join(fields).strip():  # noqa: PLR2004 - a blank line
            continue
        length = length or len(fields)
        if len(fields) != length:
            raise DataError(
                f"{path} is not a well-formed CSV file: line {line}: row {row} (counted from 1, "
                f"without the header) has {len(fields)} field{'s' if len(fields) > 1 else ''}, the "
                f"header {length}. Every row must have as many comma-separated fields as the "
                "header."
            )
        yield fields
        row += 1


def _take(records: Iterator[list[str]], header: list[str], rows: int) -> pd.DataFrame:
    # A few at a time: many live lists slow the garbage collector down.
    parts = [np.empty((0, len(header)), dtype=object)]
    for start in range(0, rows, _FEW):
        few = list(islice(records, min(_FEW, rows - start)))
        if not few:
            break
        parts.append(np.array(few, dtype=object))
    cells = np.concatenate(parts)
    # Only an empty cell is unknown; "NA" is an invalid value.
    cells[cells == ""] = np.nan
    return pd.DataFrame(np.asfortranarray(cells), columns=header)
