"""CSV and Parquet files, read and written in pieces.

A CSV file is read as text, so that unchanged cells are written back exactly. The index of a piece
counts rows from 1, without the header.
"""

import contextlib
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any, Final

import fastparquet
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype
from servicekit.files import DataError, NewFile, write_errors

from bankchurn.data.csv_files import read_csv_header, read_csv_pieces
from bankchurn.data.file_kinds import check_file, output_kind

CHUNK_ROWS: Final = 50_000


def read_header(path: Path) -> list[str]:
    """The names of a table's columns; in CSV, a name may occur twice.

    Raises:
        DataError: The file is missing, empty, damaged, or of another kind.
    """
    if check_file(path) != "parquet":
        return read_csv_header(path)
    with _open_parquet(path) as table:
        return [str(name) for name in table.columns]


def read_chunks(
    path: Path, *, columns: Container[str] | None = None, rows: int = CHUNK_ROWS
) -> Iterator[pd.DataFrame]:
    """Read a table in pieces.

    Args:
        path: A CSV file (UTF-8, comma-separated, with a header; ``.csv`` or ``.csv.gz``) or a
            Parquet file.
        columns: Columns to keep; all by default.
        rows: Maximum rows of a piece. A Parquet file is read one row group at a time.

    Yields:
        At least one piece; none is empty.

    Raises:
        DataError: The file is missing, empty, damaged, or of another kind.
    """
    kind = check_file(path)
    pieces = (
        _read_parquet(path, columns, rows) if kind == "parquet" else read_csv_pieces(path, rows)
    )
    start = 0
    for whole in pieces:
        piece = whole if columns is None else whole[[name for name in whole if name in columns]]
        if len(piece):
            piece.index = pd.RangeIndex(start + 1, start + len(piece) + 1)
            start += len(piece)
            yield piece
    if not start:
        raise DataError(f"{path} has a header but no rows. Give a table with customers in it.")


def count_rows(path: Path) -> int | None:
    """The number of rows of a table if it is known without reading them; else None.

    Raises:
        DataError: The file is missing, empty, damaged, or of another kind.
    """
    if check_file(path) != "parquet":
        return None
    with _open_parquet(path) as table:
        return int(table.count())


def repeated(names: list[str]) -> list[str]:
    """The names that occur more than once, sorted."""
    return sorted({name for name in names if names.count(name) > 1})


class TableWriter(NewFile):
    """Writes a table in pieces; the file appears only when it is complete.

    Raises:
        DataError: The file cannot be written; found before anything is written.
    """

    def __init__(self, destination: Path) -> None:
        self.kind = output_kind(destination)
        super().__init__(destination)
        self._encodings: dict[str, str] | None = None

    def write_rows(self, piece: pd.DataFrame) -> None:
        """Add rows. Every piece has the columns and dtypes of the first.

        Raises:
            DataError: The disk is full, or Parquet cannot hold the columns.
        """
        first = self._encodings is None
        if self._encodings is None:
            self._encodings = self._check(piece)
        with write_errors(self.destination):
            if self.kind == "csv":
                piece.to_csv(self.path, mode="a", header=first, index=False, lineterminator="\n")
            else:
                self._write_parquet(piece, self._encodings, append=not first)

    def _check(self, piece: pd.DataFrame) -> dict[str, str]:
        """How columns of objects are written to Parquet, derived from the first piece."""
        if self.kind == "csv":
            return {}
        twice = repeated(piece.columns.tolist())
        if twice:
            raise DataError(
                f"{self.destination}: Parquet cannot hold two columns of one name: "
                f"{', '.join(map(repr, twice))}. Rename or remove one, or write .csv. Nothing was "
                "written."
            )
        objects = [name for name in piece if piece[name].dtype == object]
        # A column whose first piece is blank is text, which can hold any cell of a CSV file.
        return {str(name): "utf8" if _is_text(piece[name]) else "infer" for name in objects}

    def _write_parquet(
        self, piece: pd.DataFrame, encodings: dict[str, str], *, append: bool
    ) -> None:
        # fastparquet writes times in whole seconds as if they were milliseconds.
        seconds = [str(name) for name in piece if _unit(piece[name]) == "s"]
        piece = piece.assign(**{name: piece[name].dt.as_unit("ms") for name in seconds})
        try:
            fastparquet.write(
                str(self.path),
                piece.reset_index(drop=True),
                append=append,
                write_index=False,
                compression="GZIP",
                stats=False,
                object_encoding=encodings,
            )
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{self.destination}: a column cannot be written as Parquet: {error}. Write "
                ".csv, or remove the column. Nothing was written."
            ) from error


def _is_text(cells: "pd.Series[Any]") -> bool:
    return all(isinstance(value, str) for value in cells.dropna().tolist())


def _unit(cells: "pd.Series[Any]") -> str | None:
    """The unit of a column of times; None for others."""
    return str(cells.dt.unit) if is_datetime64_any_dtype(cells.dtype) else None


def _read_parquet(path: Path, columns: Container[str] | None, rows: int) -> Iterator[pd.DataFrame]:
    with _open_parquet(path) as table:
        groups = len(table.row_groups)
        kept = [name for name in table.columns if columns is None or name in columns]
    for number in range(groups):
        with _open_parquet(path) as table:
            group = table[number].to_pandas(columns=kept)
        for start in range(0, len(group), rows):
            yield group.iloc[start : start + rows].copy()


@contextlib.contextmanager
def _open_parquet(path: Path) -> Iterator[Any]:
    """Open a Parquet file; close every handle that fastparquet leaves open."""
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
        # fastparquet has no error class for damaged files; any exception may occur.
        raise DataError(
            f"{path} is not a readable Parquet file: {type(error).__name__}: {error}. Write it "
            "again, or give a CSV file."
        ) from error
