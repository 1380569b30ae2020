"""Which kind of table a file holds: known by its name, checked by its first bytes."""

from pathlib import Path
from typing import Final, Literal

from servicekit.files import DataError

__all__ = ["FileKind", "check_begin", "check_file", "input_kind", "output_kind"]

FileKind = Literal["csv", "csv.gz", "parquet"]

_SUFFIXES: Final[dict[str, FileKind]] = {
    ".csv": "csv",
    ".csv.gz": "csv.gz",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_SPREADSHEETS: Final = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
_EXPORT: Final = 'Open it in the spreadsheet program and export the sheet as "CSV UTF-8".'

# What a file may begin with that is no CSV, and what to do about it.
_BEGINS: Final = (
    (b"\x1f\x8b", "is compressed with gzip. Name it .csv.gz."),
    (b"PAR1", "is a Parquet file. Name it .parquet."),
    (b"PK\x03\x04", f"is a spreadsheet or ZIP archive and no text. {_EXPORT}"),
    (b"\xd0\xcf\x11\xe0", f"is a spreadsheet and no text. {_EXPORT}"),
)
_UTF_16: Final = (
    "is UTF-16 and not UTF-8. Convert it, for example with: iconv -f {} -t UTF-8 OLD > NEW"
)


def input_kind(path: Path) -> FileKind:
    """The kind that a file to read has by its name.

    Raises:
        DataError: Files of its kind are not read; the message says what to do.
    """
    name = path.name.lower()
    for suffix, kind in _SUFFIXES.items():
        if name.endswith(suffix):
            return kind
    suffix = path.suffix.lower()
    if suffix in _SPREADSHEETS:
        raise DataError(f"{path} is a spreadsheet, which is not read. {_EXPORT}")
    if suffix in {".tsv", ".tab"}:
        raise DataError(f"{path} has tabs between its columns. Export it with commas, as .csv.")
    raise DataError(
        f"{path}: the kind of a file is known by its name, and {suffix or 'no suffix'!r} is not "
        "known. Give CSV (.csv, .csv.gz) or Parquet (.parquet, .pq)."
    )


def output_kind(path: Path) -> Literal["csv", "parquet"]:
    """The kind that a file to write has by its name.

    Raises:
        DataError: It is neither CSV nor Parquet.
    """
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None or kind == "csv.gz":
        raise DataError(
            f"{path}: the kind of a file is known by its name, and "
            f"{path.suffix.lower() or 'no suffix'!r} is not written. Name it .csv or .parquet."
        )
    return kind


def check_file(path: Path) -> FileKind:
    """Check that there is something to read.

    Returns:
        The kind of the file.

    Raises:
        DataError: The file is missing, empty, cannot be opened, or is of another kind.
    """
    kind = input_kind(path)
    if not path.exists():
        raise DataError(f"{path} does not exist. Check the path.")
    if not path.is_file():
        raise DataError(f"{path} is not a file. Give a CSV or Parquet file.")
    try:
        with path.open("rb") as file:
            begin = file.read(2)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Make it readable.") from error
    if not begin:
        raise DataError(f"{path} is empty. Give a table with a header and at least one row.")
    if kind == "csv.gz" and begin != b"\x1f\x8b":
        raise DataError(f"{path} is not compressed with gzip. If it is plain text, name it .csv.")
    return kind


def check_begin(path: Path, begin: bytes) -> None:
    """Check that what should be CSV in UTF-8 begins like text.

    Args:
        path: The file, to name it.
        begin: Its first bytes, uncompressed.

    Raises:
        DataError: It is something else; the message says what, and what to do.
    """
    for magic, advice in _BEGINS:
        if begin.startswith(magic):
            raise DataError(f"{path} {advice}")
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path} {_UTF_16.format('UTF-16')}")
    # Without a byte order mark, every other byte of a header in UTF-16 is zero.
    if b"\0" in begin:
        even, odd = begin[0::2].count(0), begin[1::2].count(0)
        if odd > len(begin) // 4 and not even:
            raise DataError(f"{path} {_UTF_16.format('UTF-16LE')}")
        if even > len(begin) // 4 and not odd:
            raise DataError(f"{path} {_UTF_16.format('UTF-16BE')}")
        raise DataError(f"{path} holds zero bytes: it is no text. Give a CSV or Parquet file.")
