"""Input files: found, recognised by their header, and grouped by what can be read in one go."""

import csv
import glob
import gzip
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

import pyarrow as pa
import pyarrow.parquet as pq
from servicekit.files import DataError

from chicagotaxi.dialects import Dialect, detect
from chicagotaxi.parse import check_types

__all__ = ["Source", "SourceGroup", "find_sources", "group_sources", "holds_rows"]

SUFFIXES: Final = (".csv", ".csv.gz", ".parquet", ".pq")
_MAX_HEADER: Final = 64 * 1024

Form = Literal["csv", "parquet"]


@dataclass(frozen=True)
class Source:
    """One input file.

    Attributes:
        path: Absolute.
        form: CSV, perhaps compressed, or Parquet.
        dialect: What its header says it is.
        header: The names of its columns.
        types: Of a Parquet file, the types of its columns; text for CSV.
        rows: How many it holds, where a footer says so.
    """

    path: Path
    form: Form
    dialect: Dialect
    header: tuple[str, ...]
    types: tuple[str, ...]
    rows: int | None


@dataclass(frozen=True)
class SourceGroup:
    """Files of the same form, dialect, columns and types."""

    form: Form
    dialect: Dialect
    header: tuple[str, ...]
    types: tuple[str, ...]
    paths: tuple[Path, ...]


def find_sources(
    inputs: Iterable[str | Path],
    *,
    without: Path | None = None,
    notice: Callable[[str], None] = lambda _text: None,
) -> list[Source]:
    """Find and recognise the input files.

    Args:
        inputs: Files, folders (searched to the bottom) and glob patterns.
        without: A folder whose files are no inputs: where the output is.
        notice: Told that some were left out.

    Returns:
        Each file once, sorted by path as text: in this order, engines say what comes first.

    Raises:
        DataError: Nothing was found under one of the inputs, or a file cannot be read or
            recognised. No row has been read.
    """
    paths: set[Path] = set()
    for one in inputs:
        paths.update(path.resolve() for path in _expand(str(one)))
    output = None if without is None else without.resolve()
    left_out = {path for path in paths if output is not None and output in path.parents}
    if left_out == paths:
        raise DataError(
            f"Every input is below {without}, the output folder. Give another --out, or inputs "
            "that are elsewhere."
        )
    if left_out:
        notice(f"Left out {len(left_out):,} of the files found: they are below {without}.")
    return [_recognise(path) for path in sorted(paths - left_out, key=str)]


def group_sources(sources: Sequence[Source]) -> list[SourceGroup]:
    """Put together what can be read in one go."""
    groups: dict[tuple[Form, str, tuple[str, ...], tuple[str, ...]], list[Source]] = {}
    for source in sources:
        key = (source.form, source.dialect.name, source.header, source.types)
        groups.setdefault(key, []).append(source)
    return [
        SourceGroup(
            first.form, first.dialect, first.header, first.types, tuple(one.path for one in members)
        )
        for members in groups.values()
        for first in members[:1]
    ]


def holds_rows(source: Source) -> bool:
    """Whether there is anything after the header."""
    if source.rows is not None:
        return source.rows > 0
    with _open(source.path) as file:
        file.readline()
        return any(line.strip() for line in file)


def _expand(pattern: str) -> list[Path]:
    path = Path(pattern)
    if path.is_file():
        if not path.name.lower().endswith(SUFFIXES):
            raise DataError(
                f"{path}: the kind of a file is known by its name. Name it {_suffixes()}."
            )
        return [path]
    if path.is_dir():
        found = [one for one in path.rglob("*") if _is_data(one, below=path)]
        if not found:
            raise DataError(
                f"The folder {path} holds no data: there is no file named {_suffixes()} in it."
            )
        return found
    matches = [Path(one) for one in glob.glob(pattern, recursive=True)]  # noqa: PTH207 - absolute
    if not matches:
        raise DataError(f"{pattern} does not exist. Give a file, a folder or a pattern.")
    return [file for match in matches for file in _expand(str(match))]


def _is_data(path: Path, *, below: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(below).parts)
    return not hidden and path.name.lower().endswith(SUFFIXES) and path.is_file()


def _suffixes() -> str:
    return ", ".join(SUFFIXES[:-1]) + f" or {SUFFIXES[-1]}"


def _recognise(path: Path) -> Source:
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty. Give a table with a header.")
        if path.name.lower().endswith((".parquet", ".pq")):
            return _recognise_parquet(path)
        header = _read_header(path)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path} cannot be read: {reason}. Make it readable.") from error
    dialect = detect(header, path=str(path))
    return Source(path, "csv", dialect, header, ("string",) * len(header), None)


def _recognise_parquet(path: Path) -> Source:
    try:
        footer = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{path} is not a readable Parquet file: {error}. Write it again."
        ) from error
    with footer:
        schema, rows = footer.schema_arrow, footer.metadata.num_rows
    dialect = detect(schema.names, path=str(path))
    check_types(dict(zip(schema.names, schema.types, strict=True)), dialect, path=str(path))
    types = tuple(str(kind) for kind in schema.types)
    return Source(path, "parquet", dialect, tuple(schema.names), types, rows)


def _open(path: Path) -> BinaryIO:
    opened = gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb")  # noqa: SIM115
    return cast("BinaryIO", opened)


def _read_header(path: Path) -> tuple[str, ...]:
    try:
        with _open(path) as file:
            line = file.readline(_MAX_HEADER)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file: {error}. Get it again.") from error
    try:
        names = next(csv.reader([line.decode("utf-8-sig")], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path}: the header cannot be read: {error}. Give UTF-8 text with a header line."
        ) from error
    if not any(names):
        raise DataError(f"{path} has no header in its first line. Give a table with a header.")
    return tuple(names)
