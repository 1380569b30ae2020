"""Rows of a CSV file, whose length is bounded: one row must not fill the memory."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from servicekit.files import DataError

# A gzip file of one megabyte can hold a row of one gigabyte.
MAX_ROW: Final = 2**20
"""Maximum length of a row, in characters."""


def read_csv(path: Path, file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Read a CSV file that is separated by commas.

    Args:
        path: The file's path, for messages.
        file: The open file, with ``newline=""``.

    Yields:
        The header, then the rows: the number of its last line, and its fields. A blank line has
        none.

    Raises:
        DataError: The file is not CSV, or a row is longer than `MAX_ROW`.
    """
    row = length = 0

    def lines() -> Iterator[str]:
        nonlocal length
        while line := file.readline(MAX_ROW + 1 - length):
            length += len(line)
            if length > MAX_ROW:
                raise DataError(
                    f"{path}, after row {max(row - 1, 0)}: the row is longer than {MAX_ROW:,} "
                    "characters. Split it, or close the quotes that were left open."
                )
            yield line

    csv.field_size_limit(MAX_ROW)
    reader = csv.reader(lines(), strict=True)
    try:
        for fields in reader:
            row += 1
            length = 0
            yield reader.line_num, fields
    except csv.Error as error:
        raise DataError(
            f"{path} is not a well-formed CSV file: line {reader.line_num}, after row "
            f"{max(row - 1, 0)}: {error}. Separate fields by commas, and put texts with commas, "
            'quotes or line ends in double quotes ("").'
        ) from error
