"""What kind of file a file of texts is, by its name and its first bytes, and how it is opened.

What cannot be read is refused with a way out that works.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

from servicekit.files import DataError

__all__ = ["CSV_SUFFIXES", "JSON_LINES_SUFFIXES", "Kind", "check_file", "kind_of", "open_binary"]

Kind = Literal["CSV", "JSON lines", "lines"]

CSV_SUFFIXES: Final = (".csv",)
JSON_LINES_SUFFIXES: Final = (".jsonl", ".ndjson")

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(CSV_SUFFIXES, "CSV"),
    **dict.fromkeys(JSON_LINES_SUFFIXES, "JSON lines"),
    ".txt": "lines",
}
_GZIP: Final = ".gz"

_SPREADSHEET: Final = (
    "is a spreadsheet. Save it as CSV in UTF-8 (in Excel: Save As, CSV UTF-8; in LibreOffice: Save "
    "As, Text CSV, Unicode UTF-8) and give that file."
)
_ARCHIVE: Final = "is an archive. Unpack it and give the file of texts in it."
_PARQUET: Final = (
    "is a Parquet file, which this service has no reader for. Write it as CSV where pandas and "
    "pyarrow are installed: "
    "python -c \"import pandas; pandas.read_parquet('{path}').to_csv('{path}.csv', index=False)\""
)
_TABS: Final = (
    'is separated by tabs. Separate it by commas: python -c "import csv, sys; '
    "csv.writer(sys.stdout).writerows(csv.reader(sys.stdin, delimiter='\\t'))\" "
    "< {path} > {stem}.csv"
)
_JSON: Final = "is one JSON document. Write one object per line: jq -c '.[]' {path} > {stem}.jsonl"
_UTF: Final = (
    "is in {encoding}. Convert it: iconv -f {encoding} -t UTF-8 {path} > {stem}-utf8{suffix}"
)
_UTF_COMPRESSED: Final = (
    "is in {encoding}. Convert it: gzip -dc {path} | iconv -f {encoding} -t UTF-8 > {stem}"
)

_OTHER_SUFFIXES: Final = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), _SPREADSHEET),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar"), _ARCHIVE),
    ".parquet": _PARQUET,
    **dict.fromkeys((".tsv", ".tab"), _TABS),
    ".json": _JSON,
}
_FIRST_BYTES: Final = (
    (b"PK\x03\x04", "is a spreadsheet or a zip archive. Save it as CSV in UTF-8, or unpack it."),
    (b"\xd0\xcf\x11\xe0", _SPREADSHEET),
    (b"PAR1", _PARQUET),
)
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_GZIP_BYTES: Final = b"\x1f\x8b"

# Of text in UTF-16 without a byte order mark, half of the bytes are zero; UTF-8 has none.
_HEAD: Final = 1024
_MANY_ZEROS: Final = 4


def kind_of(path: Path) -> Kind:
    """The kind that a file's name says it is, whether or not it is compressed.

    Raises:
        DataError: It is of a kind that cannot be read.
    """
    name = path.name.lower().removesuffix(_GZIP)
    suffix = Path(name).suffix
    if suffix in _KINDS:
        return _KINDS[suffix]
    if suffix in _OTHER_SUFFIXES:
        raise _refusal(path, _OTHER_SUFFIXES[suffix])
    raise DataError(
        f"{path} is neither .csv, .jsonl, .ndjson nor .txt, nor one of these with .gz. Give a CSV "
        "file with a column text, JSON lines with a field text, or one text per line."
    )


def check_file(path: Path) -> None:
    """Refuse what is certainly not a file of texts, before a model is loaded for it.

    Raises:
        DataError: It is missing, empty, not a file, of another kind or in another encoding than
            UTF-8 or Latin-1.
    """
    kind_of(path)
    with open_binary(path) as file:
        head = file.read(_HEAD)
    if not head:
        raise DataError(f"{path} is empty. Give a file with texts.")
    for first, what in _FIRST_BYTES:
        if head.startswith(first):
            raise _refusal(path, what)
    if encoding := _wide_encoding(head):
        advice = _UTF_COMPRESSED if _is_compressed(path) else _UTF
        raise _refusal(path, advice.replace("{encoding}", encoding))


@contextmanager
def open_binary(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, uncompressed where its name ends in ``.gz``.

    Raises:
        DataError: It cannot be read, or is not compressed as its name says. The errors of reading
            it inside the block are answered in the same way.
    """
    compressed = _is_compressed(path)
    try:
        with path.open("rb") as file:
            is_gzip = file.read(2) == _GZIP_BYTES
            file.seek(0)
            if is_gzip and not compressed:
                raise DataError(f"{path} is compressed with gzip. Name it {path.name}.gz.")
            if compressed and not is_gzip:
                raise DataError(f"{path} is not compressed with gzip. Name it {path.stem}.")
            if compressed:
                with gzip.GzipFile(fileobj=file) as inside:
                    yield cast("BinaryIO", inside)
            else:
                yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} is damaged: {error}. Compress it again, or copy it again from where it came."
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check the path.") from error


def _wide_encoding(head: bytes) -> str | None:
    """The encoding of text that is not in one byte per ASCII character."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if head.count(0) <= len(head) // _MANY_ZEROS:
        return None
    # Of an ASCII character, the byte that holds it is the first in little-endian order.
    return "UTF-16LE" if head[1::2].count(0) > head[::2].count(0) else "UTF-16BE"


def _is_compressed(path: Path) -> bool:
    return path.name.lower().endswith(_GZIP)


def _refusal(path: Path, what: str) -> DataError:
    advice = what.replace("{path}", str(path)).replace("{suffix}", path.suffix)
    return DataError(f"{path} {advice.replace('{stem}', str(path.with_suffix('')))}")
