"""Finds input files, recognises them by their header, and groups those that are read together."""

import base64
import glob
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from modelseal.path_kinds import kind_of as kind_of_path
from servicekit.files import DataError, read_errors

from chicagotaxi.file_formats import SUFFIXES, TABLES, check_engine_path, has_rows, read_header
from chicagotaxi.sources.columns import OPTIONAL, TIMES, TimeKind, check_types
from chicagotaxi.sources.dialects import Dialect, detect, find_columns

Form = Literal["csv", "parquet"]

_INT96: Final = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class _Table:
    """Common properties of files that are read together.

    Attributes:
        form: CSV, also compressed, or Parquet.
        dialect: The dialect of the header.
        header: Names of all columns.
        types: Arrow types of all columns of Parquet; text for CSV. Times that are stored as INT96
            have the type of times in UTC, in which INT96 is stored.
        kinds: How each of `TIMES` is stored.
    """

    form: Form
    dialect: Dialect
    header: tuple[str, ...]
    types: tuple[pa.DataType, ...]
    kinds: tuple[TimeKind, ...]

    @property
    def columns(self) -> Mapping[str, int]:
        """Positions of the pipeline's columns, counted from 0, by the pipeline's names."""
        return find_columns(self.header, self.dialect)

    @property
    def time_kinds(self) -> Mapping[str, TimeKind]:
        """How each column of times is stored."""
        return dict(zip(TIMES, self.kinds, strict=True))


@dataclass(frozen=True)
class Source(_Table):
    """One input file.

    Attributes:
        path: Absolute.
        rows: Number of rows, if a footer has it.
    """

    path: Path
    rows: int | None

    @property
    def absent(self) -> list[str]:
        """The source's names of optional columns that the file lacks."""
        return [self.dialect.columns[name] for name in sorted(OPTIONAL - set(self.columns))]


@dataclass(frozen=True)
class SourceGroup(_Table):
    """Files of the same form, dialect, columns and types."""

    paths: tuple[Path, ...]

    @property
    def unique_names(self) -> list[str]:
        """A name for every column: the pipeline's name, or one that no other column has."""
        names = [f"unread {place}" for place in range(len(self.header))]
        for name, place in self.columns.items():
            names[place] = name
        return names


def find_sources(
    inputs: Iterable[str | Path],
    *,
    without: Path | None = None,
    notice: Callable[[str], None] = lambda _text: None,
) -> list[Source]:
    """Find and recognise the input files.

    Args:
        inputs: Files, folders (searched to the bottom) and glob patterns.
        without: The output folder, whose files are not inputs.
        notice: Receives a message if some files were left out.

    Returns:
        Each file once, sorted by path as text, which is the order of the input.

    Raises:
        DataError: An input has no files, or a file cannot be read or recognised. No row has
            been read.
    """
    paths: set[Path] = set()
    for one in inputs:
        with read_errors(Path(one)):
            paths.update(path.resolve() for path in _expand(str(one)))
    for path in paths:
        check_engine_path(path)
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
    """Group the files that can be read together."""
    groups: dict[object, list[Source]] = {}
    for source in sources:
        key = (source.form, source.dialect.name, source.header, source.types, source.kinds)
        groups.setdefault(key, []).append(source)
    return [
        SourceGroup(
            first.form,
            first.dialect,
            first.header,
            first.types,
            first.kinds,
            tuple(one.path for one in members),
        )
        for members in groups.values()
        for first in members[:1]
    ]


def holds_rows(source: Source) -> bool:
    """Whether a file has any row."""
    return has_rows(source.path) if source.rows is None else source.rows > 0


def _expand(pattern: str) -> list[Path]:
    path = Path(pattern)
    kind = kind_of_path(path)
    if kind == "file":
        TABLES.suffix_of(path)
        return [path]
    if kind not in (None, "folder"):
        raise DataError(f"{path} is a {kind}. Give a file, a folder or a pattern.")
    if kind == "folder":
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
        header = read_header(path)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path} cannot be read: {reason}. Make it readable.") from error
    dialect = detect(header, path=str(path))
    types, kinds = (pa.string(),) * len(header), (TimeKind.TEXT,) * len(TIMES)
    return Source("csv", dialect, header, types, kinds, path, None)


def _recognise_parquet(path: Path) -> Source:
    try:
        footer = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{path} is not a readable Parquet file: {error}. Write it again."
        ) from error
    with footer:
        schema, metadata = footer.schema_arrow, footer.metadata
        int96 = _int96(footer)
    dialect = detect(schema.names, path=str(path))
    types = [_plain(kind) for kind in schema.types]
    found = find_columns(schema.names, dialect)
    check_types({name: types[place] for name, place in found.items()}, dialect.columns, path=path)
    kinds = []
    for name in TIMES:
        source = dialect.columns[name]
        written = int96.get(source, types[found[name]])
        kinds.append(TimeKind.UTC if written is None else TimeKind.of(written))
    stored = tuple(
        _INT96 if name in int96 else kind for name, kind in zip(schema.names, types, strict=True)
    )
    return Source(
        "parquet", dialect, tuple(schema.names), stored, tuple(kinds), path, metadata.num_rows
    )


def _int96(footer: pq.ParquetFile) -> dict[str, pa.DataType | None]:
    """The columns of times that are stored as INT96, which has no zone, with the written type.

    Arrow notes the type in the footer. Without that note (None), Spark or Hive may have written an
    instant.
    """
    columns = (footer.schema.column(place) for place in range(footer.metadata.num_columns))
    names = [column.path for column in columns if column.physical_type == "INT96"]
    note = (footer.metadata.metadata or {}).get(b"ARROW:schema")
    if note is None:
        return dict.fromkeys(names)
    written = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(note)))
    return {name: written.field(name).type for name in names}


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
