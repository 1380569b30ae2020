"""Files of texts, row by row: CSV with a column ``text``, JSON lines, plain lines.

A row is read whatever is wrong with it, and carries what that is: a file is refused once, with all
of its bad rows. Memory is bounded by the longest row, and that by `MAX_LINE`.
"""

import contextlib
import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from servicekit.files import DataError, NewFile, write_errors
from servicekit.rows import Problem

from nlpinsight.text import normalise

__all__ = ["TEXT", "ResultWriter", "Row", "check_file", "check_results", "has_columns", "read_rows"]

TEXT: Final = "text"
MAX_LINE: Final = 2**20

_CSV: Final = (".csv",)
_JSON_LINES: Final = (".jsonl", ".ndjson")
_LINES: Final = (".txt",)

_A_TEXT: Final = "a text with something to judge"
_UTF8: Final = "UTF-8 (save the file as UTF-8)"


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Attributes:
        number: Counted from 1, without the header.
        fields: What stands in it, by column.
        problem: What is wrong with it, if anything.
    """

    number: int
    fields: Mapping[str, object]
    problem: Problem | None = None

    @property
    def text(self) -> str:
        """The text of a row without a problem."""
        return str(self.fields[TEXT])


def has_columns(path: Path) -> bool:
    """Whether a file's kind has columns beside the text."""
    return path.suffix.lower() not in _LINES


def check_file(path: Path) -> None:
    """Refuse what is certainly not a file of texts, before a model is loaded for it.

    Raises:
        DataError: It is missing, empty, no file, or of another kind.
    """
    if path.suffix.lower() not in (*_CSV, *_JSON_LINES, *_LINES):
        raise DataError(
            f"{path} is neither .csv, .jsonl, .ndjson nor .txt. Give a CSV file with a column "
            f"{TEXT}, JSON lines with a field {TEXT}, or one text per line."
        )
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise DataError(f"{path} is empty. Give a file with texts.")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check the path.") from error


def read_rows(
    path: Path, *, columns: tuple[str, ...] = (TEXT,), need_words: bool = True
) -> Iterator[Row]:
    """Read a file of texts.

    Args:
        path: UTF-8. Its name says what it is: ``.csv``, ``.jsonl``, ``.ndjson`` or ``.txt``.
        columns: What every row must have. Others may be there.
        need_words: Whether a text that holds something, but nothing to judge, is a problem.

    Raises:
        DataError: The file is missing, empty, of another kind, lacks a column, or is damaged so
            that its rows cannot be told apart.
    """
    check_file(path)
    kind = path.suffix.lower()
    if kind in _CSV:
        rows = _read_csv(path, columns)
    elif kind in _JSON_LINES:
        rows = (_from_json(number, line) for number, line in _lines(path))
    else:
        rows = (Row(number, {TEXT: line}) for number, line in _lines(path))
    none = True
    for row in rows:
        none = False
        yield row if row.problem else _checked(row, columns, need_words=need_words)
    if none:
        raise DataError(f"{path} has a header but no rows. Give a file with texts.")


class ResultWriter(contextlib.AbstractContextManager["ResultWriter"]):
    """Writes rows to CSV or JSON lines; the file appears only when the block ends without error.

    Args:
        destination: The file; its name says which of the two.

    Raises:
        DataError: It is of another kind, or cannot be written.
    """

    def __init__(self, destination: Path) -> None:
        check_results(destination)
        self._file = NewFile(destination)
        self._destination = destination
        self._as_csv = destination.suffix.lower() in _CSV
        with write_errors(destination):
            self._stream = self._file.path.open("w", encoding="utf-8", newline="")
        self._columns: list[str] | None = None
        self._rows = 0

    def write(self, fields: Mapping[str, object]) -> None:
        """Write a row. A CSV file has the columns of its first row; what others lack is empty.

        Raises:
            DataError: It cannot be written, or has a column that the first row lacks.
        """
        self._rows += 1
        with write_errors(self._destination):
            if not self._as_csv:
                self._stream.write(json.dumps(fields, ensure_ascii=False) + "\n")
                return
            writer = csv.writer(self._stream, lineterminator="\n")
            if self._columns is None:
                self._columns = list(fields)
                writer.writerow(self._columns)
            if more := [repr(name) for name in fields if name not in self._columns]:
                raise DataError(
                    f"Row {self._rows} has {', '.join(more)}, which row 1 lacks, so that "
                    f"{self._destination} has no column for it. Write .jsonl instead, or give row "
                    "1 every field. Nothing was written."
                )
            writer.writerow([_cell(fields.get(column)) for column in self._columns])

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the file in its place, or remove it where an error left the block."""
        try:
            with write_errors(self._destination):
                self._stream.close()
        except DataError:
            self._file.discard()
            raise
        self._file.__exit__(kind, error, trace)


def check_results(destination: Path) -> None:
    """Refuse a file that results cannot be written to.

    Raises:
        DataError: Its name is not of a kind that can be written.
    """
    if destination.suffix.lower() not in (*_CSV, *_JSON_LINES):
        raise DataError(
            f"{destination} is neither .csv nor .jsonl. Name the file for what it shall be."
        )


def _read_csv(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    # Bytes that are not UTF-8 become lone surrogates, so that the row that has them can be named.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        number = taken = 0

        def lines() -> Iterator[str]:
            nonlocal taken
            while line := file.readline(MAX_LINE + 1 - taken):
                taken += len(line)
                if taken > MAX_LINE:
                    raise DataError(
                        f"{path}, after row {number}: the row is longer than {MAX_LINE:,} "
                        "characters. Split it, or close the quotes that were left open."
                    )
                yield line

        csv.field_size_limit(MAX_LINE)
        reader = csv.reader(lines(), strict=True)
        try:
            header = next(reader)
            _check_header(path, header, columns)
            taken = 0
            for number, cells in enumerate(reader, start=1):
                taken = 0
                yield _from_cells(number, header, cells)
        except csv.Error as error:
            raise DataError(
                f"{path}, after row {number}: {error}. Write the file as CSV, separated by commas, "
                'with texts that hold commas, quotes or line ends in double quotes ("").'
            ) from error


def _check_header(path: Path, header: list[str], columns: tuple[str, ...]) -> None:
    for name in header:
        if _unwritable(name):
            raise DataError(f"{path}: the column {_shown(name)} is not {_UTF8}.")
    missing = [name for name in columns if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    if missing or twice:
        what = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(twice)} twice"
        raise DataError(
            f"{path}: the header {what}. The first line must name the columns, "
            f"{', '.join(columns)} among them, separated by commas."
        )


def _from_cells(number: int, header: list[str], cells: list[str]) -> Row:
    fields = dict(zip(header, cells, strict=False))
    if len(cells) != len(header):
        expected = f"one of {len(header)} fields"
        return Row(number, fields, Problem("(all)", number, f"{len(cells)} fields", expected))
    return Row(number, fields)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise DataError(
                    f"{path}, row {number}: the line is longer than {MAX_LINE:,} bytes. Split it."
                )
            text = line.decode("utf-8-sig" if number == 1 else "utf-8", errors="surrogateescape")
            yield number, text.rstrip("\r\n")


def _from_json(number: int, line: str) -> Row:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        shown = _shown(line)
        return Row(number, {}, Problem("(all)", number, shown, "a JSON object"))
    return Row(number, fields)


def _checked(row: Row, columns: tuple[str, ...], *, need_words: bool) -> Row:
    for column in columns:
        if column not in row.fields:
            return Row(row.number, row.fields, Problem(column, row.number, "absent", "there"))
    text = row.fields[TEXT]
    if not isinstance(text, str):
        problem = Problem(TEXT, row.number, _shown(text), "a string")
    elif found := _first_unwritable(row.fields):
        name, value, expected = found
        problem = Problem(name, row.number, _shown(value), expected)
    elif not (normalise(text) if need_words else text.strip()):
        problem = Problem(TEXT, row.number, _shown(text), _A_TEXT)
    else:
        return row
    return Row(row.number, row.fields, problem)


def _first_unwritable(fields: Mapping[str, object]) -> tuple[str, object, str] | None:
    for name, value in fields.items():
        if _unwritable(name):
            return _shown(name), name, f"named in {_UTF8}"
        if expected := _unwritable(value):
            return name, value, expected
    return None


def _unwritable(value: object) -> str | None:
    """What a value would have to be to be written; none where it can be."""
    try:
        if not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False, allow_nan=False)
        value.encode()
    except UnicodeEncodeError:
        return _UTF8
    except RecursionError:
        return "nested less deeply"
    except ValueError:
        return "a finite number"
    return None


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."  # noqa: PLR2004 - for a person's eyes


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    buffer = io.StringIO()
    json.dump(value, buffer, ensure_ascii=False)
    return "" if value is None else buffer.getvalue()
