"""Rows of a CSV file with a header, in bounded memory."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from servicekit.csv_files import read_csv
from servicekit.files import DataError
from servicekit.rows import RowError

from nlpinsight.data.file_kinds import TEXT_FILES
from nlpinsight.data.rows import NOT_UTF8, Row, shorten, unwritable
from nlpinsight.schema import label_named

_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}
_SHOWN_NAMES: Final = 10


def read_csv_rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """Read a CSV file in UTF-8.

    Args:
        path: The file, compressed or not.
        columns: Required columns, each once. Other columns may have any names.

    Raises:
        DataError: The header lacks a column, or the file is not CSV.
    """
    # Bytes that are not UTF-8 become lone surrogates, so that errors can name their row.
    with (
        TEXT_FILES.open(path) as file,
        io.TextIOWrapper(
            file, encoding="utf-8-sig", errors="surrogateescape", newline=""
        ) as stream,
    ):
        records = read_csv(path, stream)
        _, header = next(records, (0, []))
        _check_header(path, header, columns)
        blank: list[int] = []
        for number, (_, cells) in enumerate(records, start=1):
            if not cells:  # ignored at the end of the file, else a row without cells
                blank.append(number)
                continue
            yield from (_make_row(earlier, header, []) for earlier in blank)
            blank.clear()
            yield _make_row(number, header, cells)


def _make_row(number: int, header: list[str], cells: list[str]) -> Row:
    pairs = tuple(zip(header, cells, strict=False))
    if len(cells) != len(header):
        expected = f"one of {len(header)} fields"
        return Row(number, pairs, RowError("(all)", number, f"{len(cells)} fields", expected))
    return Row(number, pairs)


def _check_header(path: Path, header: list[str], columns: tuple[str, ...]) -> None:
    for name in header:
        if unwritable(name):
            raise DataError(f"{path}: the column {shorten(name)} is not {NOT_UTF8}.")
    missing = [name for name in columns if name not in header]
    twice = [name for name in columns if header.count(name) > 1]
    if missing:
        raise DataError(
            f"{path}: the header lacks {', '.join(missing)}. {_advice(path, header, missing)}"
        )
    if twice:
        raise DataError(
            f"{path}: the header has {', '.join(twice)} twice. Remove or rename one of them."
        )


def _advice(path: Path, header: list[str], missing: list[str]) -> str:
    for separator, name in _SEPARATORS.items():
        if any(separator in cell for cell in header):
            return (
                f'It is separated by {name}. Separate it by commas: python -c "import csv, sys; '
                "csv.writer(sys.stdout).writerows(csv.reader(sys.stdin, delimiter="
                f"'{separator if separator != chr(9) else chr(92) + 't'}'))\" "
                f"< {path} > {path.with_suffix('')}-commas.csv"
            )
    if any(map(label_named, header)):
        names = ",".join("label" if label_named(cell) else "text" for cell in header)
        return f"Its first line is a row. Put a line of names before it, such as {names}."
    like = [shorten(cell) for cell in header if cell.strip().lower() in missing]
    if like:
        return f"It has {', '.join(like)}: write {', '.join(missing)} exactly."
    more = len(header) - _SHOWN_NAMES
    listed = ", ".join(map(shorten, header[:_SHOWN_NAMES])) + (f" and {more} more" * (more > 0))
    return (
        f"It has {listed}. The first line must name the columns, {', '.join(missing)} among them, "
        "separated by commas."
    )
