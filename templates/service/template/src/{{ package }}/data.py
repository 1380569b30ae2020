"""Tables of records: CSV files, read and validated in pieces.

A table has the columns of `FEATURES` in any order, and `TARGET` for training and evaluation. Other
columns are ignored. A row is valid if `Record` accepts it, so that a table and a request are judged
by one definition. Errors name the file, the column, the rows and the values.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Self

import numpy as np
from pydantic import ValidationError
from servicekit.csv_files import read_csv
from servicekit.file_kinds import FileKinds, check_separator
from servicekit.files import DataError
from servicekit.numbers import GRAMMAR, parse_number
from servicekit.rows import RowError, RowErrors

from {{ package }}.arrays import BoolArray, Float64Array, Int64Array
from {{ package }}.features import known_values
from {{ package }}.schema import CATEGORIES, FEATURES, NUMBERS, TARGET, Record

TABLES: Final = FileKinds((".csv", ".csv.gz"), contents="records")
PIECE_ROWS: Final = 1_000


@dataclass(frozen=True)
class Table:
    """Validated rows.

    Attributes:
        values: Known values, one row for each record and one column for each of `FEATURES`.
        target: 1 or 0 for each record.
    """

    values: Float64Array
    target: Int64Array

    def only(self, rows: Int64Array | BoolArray) -> Self:
        """Some of the rows."""
        return type(self)(self.values[rows], self.target[rows])

    def texts(self) -> list[str]:
        """Each row as text; equal rows give equal texts, from any file."""
        rows = zip(self.values.tolist(), self.target.tolist(), strict=True)
        return [repr((*values, target)) for values, target in rows]

    def fingerprint(self) -> str:
        """SHA-256 of the rows in their order."""
        return hashlib.sha256("\n".join(self.texts()).encode()).hexdigest()


@dataclass(frozen=True)
class Piece:
    """Some rows of a file.

    Attributes:
        cells: The cells of each row as they are written.
        records: The records of the valid rows.
        target: The target of the valid rows; empty if it is not needed.
        errors: Every invalid cell.
    """

    cells: list[list[str]]
    records: list[Record]
    target: list[int]
    errors: list[RowError]


def load_table(path: Path) -> Table:
    """Read and validate a whole table with its target.

    Raises:
        DataError: The file cannot be read, or its contents are invalid.
    """
    errors = RowErrors()
    values = [np.empty((0, len(FEATURES)), dtype=np.float64)]
    target: list[int] = []
    with open_table(path, need_target=True) as (_, pieces):
        for piece in pieces:
            errors.add(piece.errors)
            values.append(known_values(piece.records))
            target += piece.target
    if errors:
        raise errors.refusal(path)
    return Table(np.concatenate(values), np.array(target, dtype=np.int64))


def format_table(records: Sequence[Record], target: Int64Array) -> bytes:
    """Records and their target as a CSV file, as `load_table` reads it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FEATURES, TARGET])
    for record, label in zip(records, target.tolist(), strict=True):
        writer.writerow([*(getattr(record, name) for name in FEATURES), label])
    return text.getvalue().encode()


@contextmanager
def open_table(path: Path, *, need_target: bool) -> Iterator[tuple[list[str], Iterator[Piece]]]:
    """Open a table for reading in pieces.

    Args:
        path: A CSV file (UTF-8, comma-separated, with a header), compressed if it ends in ``.gz``.
        need_target: Whether `TARGET` is required; otherwise it is ignored.

    Yields:
        The header, and at least one piece.

    Raises:
        DataError: The file is missing, empty or damaged, has no rows, or lacks a column.
    """
    with TABLES.open(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
        rows = _rows(path, file)
        try:
            header = next(rows, None)
            if header is None:
                raise DataError(f"{path} has no columns. Give a table with a header.")
            check_separator(path, header)
            _check_columns(path, header, need_target=need_target)
            yield header, _pieces(path, header, rows, need_target=need_target)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} cannot be decoded. "
                "Convert it from its encoding with iconv."
            ) from error


def read_record(cells: Mapping[str, str]) -> Record:
    """Read a record from the cells of its columns.

    Raises:
        ValidationError: A cell is invalid.
    """
    return Record.model_validate({name: _value(name, cells[name]) for name in FEATURES})


def _value(name: str, cell: str) -> object:
    if name in CATEGORIES:
        return cell
    number = parse_number(cell)
    if number is None:
        # Only an empty cell is unknown. `Record` refuses other text.
        return cell or None
    return int(number) if number.is_integer() else number


def _rows(path: Path, file: io.TextIOWrapper) -> Iterator[list[str]]:
    """The header and the rows, without blank lines."""
    length = row = 0
    for line, fields in read_csv(path, file):
        if len(fields) <= 1 and not "".join(fields).strip():
            continue
        length = length or len(fields)
        if len(fields) != length:
            raise DataError(
                f"{path} is not a well-formed CSV file: line {line}: row {row} (counted from 1, "
                f"without the header) has {len(fields)} fields, the header {length}. Every row "
                "must have as many comma-separated fields as the header."
            )
        yield fields
        row += 1


def _check_columns(path: Path, header: Sequence[str], *, need_target: bool) -> None:
    required = [*FEATURES, *([TARGET] if need_target else [])]
    missing = [name for name in required if name not in header]
    if missing:
        raise DataError(
            f"{path}: the table lacks {', '.join(missing)}. It must have the columns "
            f"{', '.join(required)}; other columns are ignored."
        )
    twice = sorted({name for name in required if header.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: the header names {', '.join(twice)} more than once. Keep one column of each "
            "name."
        )


def _pieces(
    path: Path, header: Sequence[str], rows: Iterator[list[str]], *, need_target: bool
) -> Iterator[Piece]:
    start = 1
    while cells := list(islice(rows, PIECE_ROWS)):
        piece = Piece(cells, [], [], [])
        for row, fields in enumerate(cells, start=start):
            named = dict(zip(header, fields, strict=True))
            try:
                piece.records.append(read_record(named))
            except ValidationError as error:
                piece.errors.extend(_errors(error, row, named))
            if need_target:
                target = parse_number(named[TARGET])
                if target in (0, 1):
                    piece.target.append(int(target))
                else:
                    piece.errors.append(_error(TARGET, row, named, "0 or 1"))
        yield piece
        start += len(cells)
    if start == 1:
        raise DataError(f"{path} has a header but no rows. Give a table with records in it.")


def _errors(error: ValidationError, row: int, named: Mapping[str, str]) -> Iterator[RowError]:
    for name in dict.fromkeys(str(one["loc"][0]) for one in error.errors()):
        if name in CATEGORIES:
            expected = f"one of {', '.join(CATEGORIES[name])}"
        else:
            is_number = parse_number(named[name]) is not None
            spelling = "" if is_number or not named[name] else f", written as {GRAMMAR}"
            expected = f"{NUMBERS[name]}{spelling}"
        yield _error(name, row, named, expected)


def _error(name: str, row: int, named: Mapping[str, str], expected: str) -> RowError:
    return RowError(name, row, repr(named[name]) if named[name] else "blank", expected)
