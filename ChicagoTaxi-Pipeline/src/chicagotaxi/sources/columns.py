"""Columns of a trip, under the pipeline's names, and the types that they may have in a file."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Final

import pyarrow as pa
from servicekit.files import DataError

COLUMNS: Final = (
    "trip_id",
    "taxi_id",
    "start",
    "end",
    "seconds",
    "miles",
    "pickup_tract",
    "dropoff_tract",
    "pickup_area",
    "dropoff_area",
    "fare",
    "tips",
    "tolls",
    "extras",
    "total",
    "payment_type",
    "company",
)
# No rule and no sum uses these. They are blank in the trips of a file that lacks them.
OPTIONAL: Final = frozenset(
    {"taxi_id", "pickup_tract", "dropoff_tract", "dropoff_area", "payment_type", "company"}
)
TEXTS: Final = ("trip_id", "taxi_id", "payment_type", "company")
MONEY: Final = ("fare", "tips", "tolls", "extras", "total")
WHOLE: Final = ("seconds", "pickup_area", "dropoff_area", "pickup_tract", "dropoff_tract")
NUMBERS: Final = (*WHOLE, "miles", *MONEY)
TIMES: Final = ("start", "end")

_NAMES_OF_UTC: Final = frozenset(
    {"UTC", "Etc/UTC", "UCT", "Etc/UCT", "GMT", "Etc/GMT", "Zulu", "Universal", "Z", "+00:00"}
)


class TimeKind(Enum):
    """How a column of a file stores its times.

    A Parquet file stores a time with a zone as an instant in UTC; the zone's name is metadata.
    """

    TEXT = "text"
    CLOCK = "clock"
    INSTANT = "instant"
    UTC = "utc"

    @classmethod
    def of(cls, column: pa.DataType) -> "TimeKind":
        """How a column of this Arrow type stores its times."""
        if not pa.types.is_timestamp(column):
            return cls.TEXT
        if column.tz is None:
            return cls.CLOCK
        return cls.UTC if column.tz in _NAMES_OF_UTC else cls.INSTANT


def check_types(types: Mapping[str, pa.DataType], names: Mapping[str, str], *, path: Path) -> None:
    """Check that the columns of a Parquet file have types that the pipeline can parse.

    Raises:
        DataError: A column has another type.
    """
    for name, found in types.items():
        if pa.types.is_null(found) and name not in TIMES:
            continue
        if pa.types.is_string(found) or pa.types.is_large_string(found):
            continue
        if name in TIMES:
            allowed, fits = "text or timestamp", pa.types.is_timestamp(found)
        elif name in TEXTS:
            allowed, fits = "text or a whole number", pa.types.is_integer(found)
        else:
            allowed = "text, a number or decimal"
            kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
            fits = any(is_kind(found) for is_kind in kinds)
        if not fits:
            raise DataError(
                f"{path}: the column {names[name]!r} has the type {found}. Write it as {allowed}."
            )
