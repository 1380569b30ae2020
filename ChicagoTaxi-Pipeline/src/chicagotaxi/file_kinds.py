"""What a file is by its name and its first bytes, and the header of a CSV file.

A spreadsheet, an archive or UTF-16 text under a name that ends in ``.csv`` would otherwise be
called a table with a strange header.
"""

import csv
import gzip
import io
import re
import zlib
from pathlib import Path
from typing import BinaryIO, Final, cast

from servicekit.files import DataError

__all__ = ["SUFFIXES", "check_suffix", "has_rows", "line_end", "read_header"]

SUFFIXES: Final = (".csv", ".csv.gz", ".parquet", ".pq")
_MAX_HEADER: Final = 2**20

_REMEDIES: Final = {
    **dict.fromkeys(
        (".xlsx", ".xls", ".xlsm", ".ods"), "It is a spreadsheet: save it as CSV (UTF-8)."
    ),
    **dict.fromkeys((".zip", ".7z", ".tar", ".tgz", ".bz2", ".xz", ".zst"), "Unpack it first."),
    **dict.fromkeys((".tsv", ".tab"), "Write the table with commas, as .csv."),
    **dict.fromkeys((".json", ".jsonl", ".geojson", ".xml"), "Export the trips as CSV."),
}
_FOREIGN: Final = (
    (b"PK\x03\x04", "is a spreadsheet or another zip archive. Save the table as CSV (UTF-8)."),
    (b"\xd0\xcf\x11\xe0", "is a spreadsheet in Excel's old form. Save it as CSV (UTF-8)."),
    (b"\x1f\x8b", "is compressed with gzip. Name it .csv.gz."),
    (b"PAR1", "is a Parquet file. Name it .parquet."),
)
_UTF_16: Final = (
    "is UTF-16 text. Save it as UTF-8: `iconv -f UTF-16 -t UTF-8`, or Excel's file type "
    "'CSV UTF-8'."
)


def check_suffix(path: Path) -> None:
    """Refuse a file that cannot be read because of its kind.

    Raises:
        DataError: Its name does not end in one of `SUFFIXES`; the message says what to do.
    """
    name = path.name.lower()
    if name.endswith(SUFFIXES):
        return
    remedy = _REMEDIES.get(path.suffix.lower(), "If it is such a table, give it such a name.")
    raise DataError(
        f"{path} is not read: only files named {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} are. "
        f"{remedy}"
    )


def read_header(path: Path) -> tuple[str, ...]:
    """The names of a CSV file's columns. What is not UTF-8 in them is kept as surrogates.

    Raises:
        DataError: The file is of another kind, damaged, or has no header.
        OSError: The file cannot be read.
    """
    text, whole = _first_text(path)
    lines = io.StringIO(text, newline="")
    try:
        names = next(csv.reader(lines, strict=True), [])
    except csv.Error as error:
        raise DataError(
            f"{path}: the header cannot be read: {error}. Give UTF-8 text with a header line."
        ) from error
    if not whole and not lines.read(1):
        raise DataError(f"{path}: the header is longer than {_MAX_HEADER:,} bytes. Shorten it.")
    if any(re.search(r"\r(?!\n)", name) for name in names):
        # It would be taken for the end of a line, and then for how all lines end.
        raise DataError(f"{path}: a column's name holds a carriage return. Remove it.")
    if not any(names):
        raise DataError(f"{path} has no header in its first line. Give a table with a header.")
    return tuple(names)


def line_end(path: Path) -> str:
    """How the header's line of a CSV file ends, which may have other line breaks in its names."""
    text, _ = _first_text(path)
    lines = io.StringIO(text, newline="")
    next(csv.reader(lines))
    header = text[: lines.tell()]
    return "\r\n" if header.endswith("\r\n") else header[-1]


def has_rows(path: Path) -> bool:
    """Whether a CSV file has anything but blank lines after its header."""
    with (
        _open(path) as file,
        io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="") as lines,
    ):
        next(csv.reader(lines))
        return any(line.strip() for line in lines)


def _first_text(path: Path) -> tuple[str, bool]:
    """The beginning of a file's text, and whether it is all of it."""
    try:
        with _open(path) as file:
            begin = file.read(_MAX_HEADER + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file: {error}. Get it again.") from error
    for signature, kind in _FOREIGN:
        if begin.startswith(signature):
            raise DataError(f"{path} {kind}")
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in begin[:_FIRST]:
        raise DataError(f"{path} {_UTF_16}")
    return begin[:_MAX_HEADER].decode("utf-8-sig", "surrogateescape"), len(begin) <= _MAX_HEADER


# Text without a mark at its beginning: each second byte of a name in UTF-16 is zero.
_FIRST: Final = 256


def _open(path: Path) -> BinaryIO:
    opened = gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")  # noqa: SIM115
    return cast("BinaryIO", opened)
