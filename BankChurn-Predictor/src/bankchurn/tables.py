"""Files of tables: CSV and Parquet, read and written piece by piece.

A CSV file is read as text, so that what was not touched is written back as it stood. Rows are
counted from 1 in the index of what is read, without the header.
"""

import contextlib
import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import fastparquet
import numpy as np
import pandas as pd
from servicekit.files import DataError, NewFile, write_errors

__all__ = ["DataError", "TableWriter", "count_rows", "read_chunks"]

CHUNK_ROWS: Final = 50_000
_FEW: Final = 1_000

_CSV: Final = (".csv",)
_PARQUET: Final = (".parquet", ".pq")


def read_chunks(path: Path, *, rows: int = CHUNK_ROWS) -> Iterator[pd.DataFrame]:
    """Read a table in pieces.

    Args:
        path: A CSV file (UTF-8, comma-separated, with a header) or a Parquet file.
        rows: The most rows of a piece. A Parquet file is read one row group at a time.

    Yields:
        At least one piece; none is empty.

    Raises:
        DataError: The file is missing, empty, damaged, or of another kind.
    """
    _check_file(path)
    pieces = _read_csv(path, rows) if is_csv(path) else _read_parquet(path, rows)
    start = 0
    for piece in pieces:
        if len(piece):
            piece.index = pd.RangeIndex(start + 1, start + len(piece) + 1)
            start += len(piece)
            yield piece
    if not start:
        raise DataError(f"{path} has a header but no rows. Give a table with customers in it.")


def count_rows(path: Path) -> int | None:
    """How many rows a table has, where that is known without reading it; else None.

    Raises:
        DataError: The file is missing, empty, damaged, or of another kind.
    """
    _check_file(path)
    if is_csv(path):
        return None
    with _open_parquet(path) as table:
        return int(table.count())


def is_csv(path: Path) -> bool:
    """Whether a name is that of a CSV file.

    Raises:
        DataError: It is that of neither a CSV nor a Parquet file.
    """
    suffix = path.suffix.lower()
    if suffix not in _CSV + _PARQUET:
        raise DataError(
            f"{path}: the kind of a file is known by its name, and {suffix or 'no suffix'!r} is "
            "not known. Name it .csv or .parquet."
        )
    return suffix in _CSV


class TableWriter:
    """Writes a table piece by piece, and puts it in its place only when it is complete.

    Used as a context manager, like the `NewFile` that it fills.

    Raises:
        DataError: Nothing can be written there; known before there is anything to write.
    """

    def __init__(self, destination: Path) -> None:
        self._csv = is_csv(destination)
        self._file = NewFile(destination)
        self._started = False

    def __enter__(self) -> Self:
        """Begin; the temporary file is there already."""
        return self

    def write(self, piece: pd.DataFrame) -> None:
        """Add rows. Every piece has the columns and dtypes of the first."""
        first, self._started = not self._started, True
        with write_errors(self._file.destination):
            if self._csv:
                piece.to_csv(
                    self._file.path, mode="a", header=first, index=False, lineterminator="\n"
                )
            else:
                fastparquet.write(
                    str(self._file.path),
                    piece.reset_index(drop=True),
                    append=not first,
                    write_index=False,
                    compression="GZIP",
                    stats=False,
                )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the file in its place, or remove it where an error left the block."""
        self._file.__exit__(kind, error, trace)


def _check_file(path: Path) -> None:
    is_csv(path)
    if not path.exists():
        raise DataError(f"{path} does not exist. Check the path.")
    if not path.is_file():
        raise DataError(f"{path} is not a file. Give a CSV or Parquet file.")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Make it readable.") from error
    if empty:
        raise DataError(f"{path} is empty. Give a table with a header and at least one row.")


def _read_csv(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    # The csv module and not pandas, which fills a row that is too short with blanks.
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            records = _records(file)
            header = next(records, None)
            if header is None:
                raise DataError(f"{path} has no columns. Give a table with a header.")
            _check_header(path, header)
            while len(piece := _take(records, header, rows)):
                yield piece
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} cannot be decoded. Save "
            "it as UTF-8, for example with: iconv -f latin1 -t utf-8 OLD > NEW"
        ) from error
    except csv.Error as error:
        raise DataError(
            f"{path} is not a well-formed CSV file: {error}. Every row must have as many "
            "comma-separated fields as the header."
        ) from error


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


def _take(records: Iterator[list[str]], header: list[str], rows: int) -> pd.DataFrame:
    # A few at a time: many lists that live at once keep the garbage collector busy.
    parts = [np.empty((0, len(header)), dtype=object)]
    for start in range(0, rows, _FEW):
        few = list(islice(records, min(_FEW, rows - start)))
        if not few:
            break
        parts.append(np.array(few, dtype=object))
    cells = np.concatenate(parts)
    # Only a blank field is unknown; "NA" is a value, and not a valid one.
    cells[cells == ""] = np.nan
    return pd.DataFrame(np.asfortranarray(cells), columns=header)


def _check_header(path: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: the header names {', '.join(map(repr, twice))} more than once. Keep one "
            "column of each name."
        )


def _read_parquet(path: Path, rows: int) -> Iterator[pd.DataFrame]:
    with _open_parquet(path) as table:
        groups = len(table.row_groups)
    for number in range(groups):
        with _open_parquet(path) as table:
            group = table[number].to_pandas()
        for start in range(0, len(group), rows):
            yield group.iloc[start : start + rows].copy()


@contextlib.contextmanager
def _open_parquet(path: Path) -> Iterator[Any]:
    """Open a Parquet file, and close every handle that fastparquet leaves open."""
    with contextlib.ExitStack() as handles, _parquet_errors(path):
        yield fastparquet.ParquetFile(
            str(path),
            open_with=lambda name, mode="rb": handles.enter_context(Path(name).open(mode)),
        )


@contextlib.contextmanager
def _parquet_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # fastparquet has no error of its own for damage: it raises what it stumbles over.
        raise DataError(
            f"{path} is not a readable Parquet file: {type(error).__name__}: {error}. Write it "
            "again, or give a CSV file."
        ) from error
