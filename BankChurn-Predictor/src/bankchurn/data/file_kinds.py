"""Kinds of table files, by their names and first bytes."""

from pathlib import Path
from typing import Final, Literal

from servicekit.file_kinds import FileKinds
from servicekit.files import DataError

FileKind = Literal["csv", "csv.gz", "parquet"]

_KINDS: Final[dict[str, FileKind]] = {
    ".csv": "csv",
    ".csv.gz": "csv.gz",
    ".parquet": "parquet",
    ".pq": "parquet",
}

TABLES: Final = FileKinds(tuple(_KINDS), contents="customers")
"""The table files that commands read."""


def input_kind(path: Path) -> FileKind:
    """The kind of an input file, by its name.

    Raises:
        DataError: Files of this kind are not read; the message says what to do.
    """
    return _KINDS[TABLES.suffix_of(path)]


def output_kind(path: Path) -> Literal["csv", "parquet"]:
    """The kind of an output file, by its name.

    Raises:
        DataError: It is neither CSV nor Parquet.
    """
    kind = _KINDS.get(path.suffix.lower())
    if kind is None or kind == "csv.gz":
        raise DataError(
            f"{path}: the kind of a file is known by its name, and "
            f"{path.suffix.lower() or 'no suffix'!r} is not written. Name it .csv or .parquet."
        )
    return kind


def check_file(path: Path) -> FileKind:
    """Check that a file exists, has contents, and is of the kind that its name says.

    Returns:
        The kind of the file.

    Raises:
        DataError: The file is missing, empty, cannot be opened, or is of another kind.
    """
    with TABLES.open(path):
        return input_kind(path)
