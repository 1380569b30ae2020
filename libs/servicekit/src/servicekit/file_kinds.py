"""Detects the kind of an input file from its name and its first bytes.

Without this, a spreadsheet, an archive or UTF-16 text named ``.csv`` would be reported as a table
with a strange header. An unsupported file is refused with advice on how to convert it.
"""

import gzip
import shlex
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from modelseal.path_kinds import kind_of

from servicekit.files import DataError

GZIP: Final = ".gz"
BEGIN_BYTES: Final = 1024

_EXPORT: Final = (
    'Export the sheet as CSV in UTF-8 (in Excel: Save As, "CSV UTF-8"; in LibreOffice: Save As, '
    "Text CSV, Unicode (UTF-8))."
)
_TO_CSV: Final = (
    'Write it as CSV where pandas and pyarrow are installed: python -c "import sys, pandas; '
    "pandas.read_parquet(sys.argv[1]).to_csv(sys.argv[1] + '.csv', index=False)\" {path}"
)
_OTHER_SUFFIXES: Final = {
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".ods", ".numbers"), f"is a spreadsheet. {_EXPORT}"),
    **dict.fromkeys(
        (".zip", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar"),
        "is an archive. Unpack it and give the file that is in it.",
    ),
    **dict.fromkeys((".tsv", ".tab"), "has tabs between its columns. Export it with commas."),
    **dict.fromkeys((".parquet", ".pq"), f"is a Parquet file, which is not read. {_TO_CSV}"),
}
_TO_LINES: Final = "is one JSON document. Write one object per line: jq -c '.[]' {path} > {path}l"
_SIGNATURES: Final = (
    (b"PK\x03\x04", f"is a spreadsheet or a zip archive, and not text. {_EXPORT}"),
    (b"\xd0\xcf\x11\xe0", f"is a spreadsheet in Excel's old form. {_EXPORT}"),
)
_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"

# UTF-32's little-endian mark begins like UTF-16's.
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_CONVERT: Final = (
    "is text in {encoding}. Convert it: {read} {path} | iconv -f {encoding} -t UTF-8 > {converted}"
)

_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


class FileKinds:
    """The kinds of files that a command reads, by their suffixes.

    Args:
        suffixes: The suffixes in lower case, such as ``.csv`` and ``.csv.gz``.
        contents: The contents in the plural, such as ``customers``, for messages.
    """

    def __init__(self, suffixes: Sequence[str], *, contents: str) -> None:
        self._suffixes = tuple(suffixes)
        self._contents = contents

    def suffix_of(self, path: Path) -> str:
        """The suffix of a file.

        Raises:
            DataError: The kind of file is not supported; the message has advice.
        """
        name = path.name.lower()
        for suffix in sorted(self._suffixes, key=len, reverse=True):
            if name.endswith(suffix):
                return suffix
        suffix = path.suffix.lower()
        if suffix == ".json" and ".jsonl" in self._suffixes:
            raise _refusal(path, _TO_LINES)
        advice = _OTHER_SUFFIXES.get(suffix)
        if advice is not None:
            raise _refusal(path, advice)
        raise DataError(
            f"{path}: the kind of a file is known by its name, and "
            f"{suffix or 'a name without a suffix'} is not known. Give a file of "
            f"{self._contents} whose name ends in {', '.join(self._suffixes)}."
        )

    @contextmanager
    def open(self, path: Path) -> Iterator[BinaryIO]:
        """Open a file for reading, and decompress it if its name ends in ``.gz``.

        Yields:
            The contents, from their beginning.

        Raises:
            DataError: The file is missing, empty, not readable or damaged, or its contents do not
                match its name. Errors of reading inside the block are converted as well.
        """
        compressed = self.suffix_of(path).endswith(GZIP)
        try:
            kind = kind_of(path)
            if kind is None:
                raise DataError(f"{path} does not exist. Check the path.")
            # Opening a pipe would block until another process writes into it.
            if kind != "file":
                raise DataError(f"{path} is not a file. Give a file of {self._contents}.")
            with path.open("rb") as file:
                begin = file.read(BEGIN_BYTES)
                file.seek(0)
                self._check_compression(path, begin, compressed=compressed)
                if compressed:
                    with gzip.GzipFile(fileobj=file) as inside:
                        self._check_begin(path, inside.read(BEGIN_BYTES))
                        inside.seek(0)
                        yield cast("BinaryIO", inside)
                else:
                    self._check_begin(path, begin)
                    yield file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(
                f"{path} is damaged: {error}. Compress it again, or copy it again from where it "
                "came."
            ) from error
        except OSError as error:
            raise DataError(
                f"{path} cannot be read: {error.strerror or error}. Check the path."
            ) from error

    def _check_compression(self, path: Path, begin: bytes, *, compressed: bool) -> None:
        is_gzip = begin.startswith(_GZIP)
        if is_gzip and not compressed:
            raise DataError(f"{path} is compressed with gzip. Name it {path.name}.gz.")
        if begin and compressed and not is_gzip:
            raise DataError(f"{path} is not compressed with gzip. Name it {path.stem}.")

    def _check_begin(self, path: Path, begin: bytes) -> None:
        if not begin:
            raise DataError(f"{path} is empty. Give a file of {self._contents}.")
        is_parquet = self.suffix_of(path) in {".parquet", ".pq"}
        if begin.startswith(_PARQUET):
            if is_parquet:
                return
            known = ".parquet" in self._suffixes
            advice = "Name it .parquet." if known else _TO_CSV
            raise _refusal(path, f"is a Parquet file. {advice}")
        if is_parquet:
            raise DataError(f"{path} is not a Parquet file. Write it again, or give a CSV file.")
        for signature, what in _SIGNATURES:
            if begin.startswith(signature):
                raise _refusal(path, what)
        if encoding := _wide_encoding(begin):
            compressed = path.name.lower().endswith(GZIP)
            plain = path.with_suffix("") if compressed else path
            converted = shlex.quote(str(plain.with_stem(f"{plain.stem}-utf8")))
            advice = _CONVERT.replace("{encoding}", encoding).replace("{converted}", converted)
            raise _refusal(path, advice.replace("{read}", "gzip -dc" if compressed else "cat"))


def check_separator(path: Path, header: Sequence[str]) -> None:
    """Refuse a CSV file whose columns are not separated by commas.

    Args:
        path: The file, for the message.
        header: Its first line, split at commas.

    Raises:
        DataError: The first line is one column that contains another separator.
    """
    if len(header) != 1:
        return
    for separator, name in _SEPARATORS.items():
        if separator in header[0]:
            raise DataError(
                f"{path} has {name} between its columns. Export it with commas between the columns "
                "and points in the numbers."
            )


def _wide_encoding(begin: bytes) -> str | None:
    """The encoding of text with more than one byte per ASCII character; None for other bytes."""
    for mark, encoding in _MARKS:
        if begin.startswith(mark):
            return encoding
    even, odd = begin[::2].count(0), begin[1::2].count(0)
    if even + odd <= len(begin) // 4:
        return None
    # In little-endian order, the first byte of an ASCII character is not zero.
    return "UTF-16LE" if odd > even else "UTF-16BE"


def _refusal(path: Path, what: str) -> DataError:
    return DataError(f"{path} {what.replace('{path}', shlex.quote(str(path)))}")
