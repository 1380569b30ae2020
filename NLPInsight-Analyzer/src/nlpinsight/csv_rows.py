"""The rows of a CSV file with a header. Memory is bounded by the longest row, and that too."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from servicekit.files import DataError
from servicekit.rows import RowError

from nlpinsight.file_kinds import TEXT_FILES
from nlpinsight.rows import NOT_UTF8, Row, shown, unwritable
from nlpinsight.schema import LABELS

__all__ = ["MAX_LINE", "read_csv"]

MAX_LINE: Final = 2**20
"""How many characters a row, or bytes a line, may have."""

_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}
_SHOWN_NAMES: Final = 10


def read_csv(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """Read a CSV file in UTF-8.

    Args:
        path: The file, compressed or not.
        columns: The columns that it must have, each once. Others may be there, whatever their
            names.

    Raises:
        DataError: The header lacks a column, or rows cannot be told apart.
    """
    # Bytes that are not UTF-8 become lone surrogates, so that the row that has them can be named.
    with (
        TEXT_FILES.open(path) as file,
        io.TextIOWrapper(
            file, encoding="utf-8-sig", errors="surrogateescape", newline=""
        ) as stream,
    ):
        yield from _read(path, stream, columns)


def _read(path: Path, stream: TextIO, columns: tuple[str, ...]) -> Iterator[Row]:
    number = taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        while line := stream.readline(MAX_LINE + 1 - taken):
            taken += len(line)
            if taken > MAX_LINE:
                raise DataError(
                    f"{path}, after row {number}: the row is longer than {MAX_LINE:,} "
                    "characters. Split it, or close the quotes that were left open."
                )
            yield line

    csv.field_size_limit(MAX_LINE)
    reader = csv.reader(lines(), strict=True)
    blank: list[int] = []
    try:
        header = next(reader, [])
        _check_header(path, header, columns)
        taken = 0
        for number, cells in enumerate(reader, start=1):
            taken = 0
            if not cells:  # No row where nothing follows; a row without cells otherwise.
                blank.append(number)
                continue
            yield from (_from_cells(earlier, header, []) for earlier in blank)
            blank.clear()
            yield _from_cells(number, header, cells)
    except csv.Error as error:
        raise DataError(
            f"{path}, after row {number}: {error}. Write the file as CSV, separated by commas, "
            'with texts that hold commas, quotes or line ends in double quotes ("").'
        ) from error


def _from_cells(number: int, header: list[str], cells: list[str]) -> Row:
    pairs = tuple(zip(header, cells, strict=False))
    if len(cells) != len(header):
        expected = f"one of {len(header)} fields"
        return Row(number, pairs, RowError("(all)", number, f"{len(cells)} fields", expected))
    return Row(number, pairs)


def _check_header(path: Path, header: list[str], columns: tuple[str, ...]) -> None:
    for name in header:
        if unwritable(name):
            raise DataError(f"{path}: the column {shown(name)} is not {NOT_UTF8}.")
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
    if any(cell.strip().lower() in LABELS for cell in header):
        names = ",".join("label" if cell.strip().lower() in LABELS else "text" for cell in header)
        return f"Its first line is a row. Put a line of names before it, such as {names}."
    like = [shown(cell) for cell in header if cell.strip().lower() in missing]
    if like:
        return f"It has {', '.join(like)}: write {', '.join(missing)} exactly."
    return (
        f"It has {_list(header)}. The first line must name the columns, "
        f"{', '.join(missing)} among them, separated by commas."
    )


def _list(names: list[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    listed = ", ".join(shown(name) for name in names[:_SHOWN_NAMES])
    return f"{listed} and {more} more" if more > 0 else listed
