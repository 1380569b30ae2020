"""The rows of a part as PostgreSQL's ``COPY`` reads them."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from arro3.core import DataType, Table
from arro3.io import read_parquet

__all__ = ["Column", "Rows", "read_rows"]

_CHUNK_ROWS: Final = 1_000
_NULL: Final = r"\N"
_ESCAPES: Final = str.maketrans(
    # PostgreSQL has no texts with a null character.
    {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\x00": "\ufffd"}
)
_IN_ARRAY: Final = str.maketrans({"\\": r"\\", '"': r"\""})


class Column(NamedTuple):
    """A column of a table: its name, and its type in PostgreSQL."""

    name: str
    type: str


class Rows(NamedTuple):
    """The rows of a part.

    Attributes:
        columns: Their columns.
        rows: Number of rows.
        chunks: The rows in ``COPY``'s text format, with their day as the first column.
    """

    columns: tuple[Column, ...]
    rows: int
    chunks: Iterator[bytes]


def read_rows(contents: bytes, day: str) -> Rows:
    """Read a part.

    Args:
        contents: A Parquet file.
        day: The day of its rows.

    Raises:
        TypeError: It has a column of another type than logs have.
    """
    table = read_parquet(io.BytesIO(contents)).read_all()
    columns = tuple(Column(name, _type_of(table.column(name).type)) for name in table.column_names)
    return Rows(columns, table.num_rows, _chunks(table, columns, day))


def _chunks(table: Table, columns: tuple[Column, ...], day: str) -> Iterator[bytes]:
    for start in range(0, table.num_rows, _CHUNK_ROWS):
        part = table.slice(start, min(_CHUNK_ROWS, table.num_rows - start))
        values = [
            _texts(part.column(column.name).to_pylist(), _FORMATS[column.type])
            for column in columns
        ]
        lines = map("\t".join, zip([day] * part.num_rows, *values, strict=True))
        yield ("\n".join(lines) + "\n").encode()


def _texts(values: Iterable[Any], text: Callable[[Any], str]) -> list[str]:
    return [_NULL if value is None else text(value) for value in values]


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)


def _array(values: list[str]) -> str:
    if not values:
        return "{}"
    return _escaped("{" + ",".join(f'"{one.translate(_IN_ARRAY)}"' for one in values) + "}")


def _type_of(found: DataType) -> str:
    for one, name in _TYPES:
        if found == one:
            return name
    if DataType.is_list(found):
        return "text[]"
    raise TypeError(f"a column has the type {found}")


_TYPES: Final = (
    (DataType.float64(), "double precision"),
    (DataType.utf8(), "text"),
    (DataType.int64(), "bigint"),
    (DataType.timestamp("us", tz="UTC"), "timestamp with time zone"),
)
_FORMATS: Final[dict[str, Callable[[Any], str]]] = {
    "double precision": repr,
    "text": _escaped,
    "bigint": str,
    "timestamp with time zone": str,
    "text[]": _array,
}
