"""How Spark is shown input files: every column by its place, under a name of our own.

Spark finds columns by their names and takes no two that differ only in case. The names of a
group's files are ours to give in CSV; in Parquet only the pipeline's own columns are asked for.
"""

from typing import TYPE_CHECKING, Final

import pyarrow as pa

from chicagotaxi.sources.columns import TimeKind
from chicagotaxi.sources.input_files import SourceGroup

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

# Spark has no unsigned numbers: each is read as the next larger one, as its own inference does.
_UNSIGNED: Final = {8: "smallint", 16: "int", 32: "bigint", 64: "decimal(20,0)"}


def csv_schema(group: SourceGroup) -> "StructType":
    """Text for every column of CSV files, named so that no two names are alike."""
    from pyspark.sql.types import StringType, StructField, StructType  # noqa: PLC0415

    names = [f"unread {place}" for place in range(len(group.header))]
    for name, place in group.columns.items():
        names[place] = name
    return StructType([StructField(name, StringType()) for name in names])


def csv_options(group: SourceGroup) -> dict[str, str]:
    """The options of reading CSV files.

    A file whose header has a line break in a name cannot be split: Spark takes the first line for
    the header.
    """
    lines = any("\n" in name or "\r" in name for name in group.header)
    return {
        "header": "true",
        "mode": "FAILFAST",
        "escape": '"',
        "encoding": "UTF-8",
        "multiLine": "true" if lines else "false",
        "maxColumns": str(max(len(group.header) + 1, 20_480)),
    }


def parquet_schema(group: SourceGroup) -> "StructType":
    """The pipeline's columns of Parquet files, under the files' own names."""
    from pyspark.sql.types import StructField, StructType  # noqa: PLC0415

    return StructType(
        [
            StructField(group.header[place], _type(group.types[place]))
            for name, place in group.columns.items()
        ]
    )


def parquet_column(group: SourceGroup, name: str) -> str:
    """A column of Parquet files as SQL: under the pipeline's name, times without a zone."""
    place = group.columns[name]
    value, kind = quoted(group.header[place]), group.types[place]
    if _in_nanoseconds(kind):
        value = f"timestamp_micros({value} div 1000)"
    if group.time_kinds.get(name, TimeKind.TEXT) is not TimeKind.TEXT:
        # With a zone, this is what Spark shows of it in UTC, the session's zone.
        value = f"CAST({value} AS TIMESTAMP_NTZ)"
    return f"{value} AS {quoted(name)}"


def quoted(name: str) -> str:
    """A name in Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"


def _type(kind: pa.DataType) -> "DataType":
    from pyspark.sql.pandas.types import from_arrow_type  # noqa: PLC0415
    from pyspark.sql.types import DataType, IntegerType, LongType  # noqa: PLC0415

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind):
        # No value is ever read of it; Parquet needs a type for it all the same.
        return IntegerType()
    if _in_nanoseconds(kind):
        return LongType()
    if pa.types.is_unsigned_integer(kind):
        return DataType.fromDDL(_UNSIGNED[kind.bit_width])
    return from_arrow_type(kind, prefer_timestamp_ntz=True)


def _in_nanoseconds(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind)) and str(kind.unit) == "ns"
