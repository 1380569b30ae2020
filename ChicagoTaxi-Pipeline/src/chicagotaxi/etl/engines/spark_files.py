"""Schemas and options with which Spark reads input files.

Spark finds columns by their names and refuses two names that differ by case only. In CSV files the
names of the columns are therefore ours; of Parquet files only the pipeline's columns are read.
"""

from typing import Final

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_type
from pyspark.sql.types import DataType, IntegerType, LongType, StringType, StructField, StructType

from chicagotaxi.sources.columns import TimeKind
from chicagotaxi.sources.input_files import SourceGroup

# Spark has no unsigned numbers: each is read as the next larger type, as its own inference does.
_UNSIGNED: Final = {8: "smallint", 16: "int", 32: "bigint", 64: "decimal(20,0)"}


def csv_schema(group: SourceGroup) -> StructType:
    """Every column of CSV files as text, with unique names."""
    return StructType([StructField(name, StringType()) for name in group.unique_names])


def csv_options(group: SourceGroup) -> dict[str, str]:
    """Options for reading CSV files.

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


def parquet_schema(group: SourceGroup) -> StructType:
    """The pipeline's columns of Parquet files, under the files' own names."""
    return StructType(
        [
            StructField(group.header[place], _type(group.types[place]))
            for place in group.columns.values()
        ]
    )


def parquet_column(group: SourceGroup, name: str) -> str:
    """A column of Parquet files as SQL: under the pipeline's name, times without a zone."""
    place = group.columns[name]
    value, kind = quoted(group.header[place]), group.types[place]
    if _is_in_nanoseconds(kind):
        value = f"timestamp_micros({value} div 1000)"
    if group.time_kinds.get(name, TimeKind.TEXT) is not TimeKind.TEXT:
        # An instant is cast to its time in UTC, which is the session's zone.
        value = f"CAST({value} AS TIMESTAMP_NTZ)"
    return f"{value} AS {quoted(name)}"


def quoted(name: str) -> str:
    """A name in Spark's SQL."""
    return "`" + name.replace("`", "``") + "`"


def _type(kind: pa.DataType) -> DataType:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind):
        # It has no values, but Parquet needs a type.
        return IntegerType()
    if _is_in_nanoseconds(kind):
        return LongType()
    if pa.types.is_unsigned_integer(kind):
        return DataType.fromDDL(_UNSIGNED[kind.bit_width])
    return from_arrow_type(kind, prefer_timestamp_ntz=True)


def _is_in_nanoseconds(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind)) and str(kind.unit) == "ns"
