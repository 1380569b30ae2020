"""The three dialects in which Chicago's taxi trips are published, and how each is recognised.

All three have the same columns under different names. The keys of a dialect's `columns` are the
pipeline's names. Columns that the pipeline does not know are not read, whatever their names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from servicekit.files import DataError

from chicagotaxi.sources.columns import OPTIONAL

Times = Literal["american", "iso"]


@dataclass(frozen=True)
class Dialect:
    """A published format of the trips.

    Attributes:
        name: Name in messages and in the status of a run.
        columns: The source's name of each column of the pipeline.
        times: Format of times as text: ``04/06/2016 08:45:00 PM``, or ISO 8601.
        example: A time in this dialect, for messages.
    """

    name: str
    columns: dict[str, str]
    times: Times
    example: str

    @property
    def key(self) -> str:
        """The source's name of the identifier, by which a header is recognised."""
        return self.columns["trip_id"]


_API: Final = {
    "trip_id": "trip_id",
    "taxi_id": "taxi_id",
    "start": "trip_start_timestamp",
    "end": "trip_end_timestamp",
    "seconds": "trip_seconds",
    "miles": "trip_miles",
    "pickup_tract": "pickup_census_tract",
    "dropoff_tract": "dropoff_census_tract",
    "pickup_area": "pickup_community_area",
    "dropoff_area": "dropoff_community_area",
    "fare": "fare",
    "tips": "tips",
    "tolls": "tolls",
    "extras": "extras",
    "total": "trip_total",
    "payment_type": "payment_type",
    "company": "company",
}
_PORTAL: Final = {
    name: {"trip_id": "Trip ID", "taxi_id": "Taxi ID"}.get(name, source.replace("_", " ").title())
    for name, source in _API.items()
}

# BigQuery labels times as UTC, but they are the portal's wall-clock times.
DIALECTS: Final = (
    Dialect("portal", _PORTAL, "american", "04/06/2016 08:45:00 PM"),
    Dialect("api", _API, "iso", "2016-04-06T20:45:00.000"),
    Dialect("bigquery", _API | {"trip_id": "unique_key"}, "iso", "2016-04-06 20:45:00 UTC"),
)

_OTHER_DELIMITERS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}
# Columns that only ride-share trips have. Most of their other names are those of taxi trips.
_RIDE_SHARE: Final = (
    "Trips Pooled",
    "Shared Trip Authorized",
    "Additional Charges",
    "trips_pooled",
    "shared_trip_authorized",
    "additional_charges",
)
_SHOWN: Final = 4


def detect(header: Sequence[str], *, path: str) -> Dialect:
    """Recognise the dialect of a header.

    Raises:
        DataError: The header is of no known dialect, lacks a column that the pipeline needs, or
            names one of the pipeline's columns twice.
    """
    # By most names in common, so that the message for a file without identifiers names them.
    best = max(DIALECTS, key=lambda one: (one.key in header, _in_common(one, header)))
    if not _in_common(best, header):
        raise DataError(f"{path} {_no_trips(header)}")
    missing = [
        source
        for name, source in best.columns.items()
        if source not in header and name not in OPTIONAL
    ]
    if missing and (marks := [name for name in _RIDE_SHARE if name in header]):
        raise DataError(
            f"{path} is a table of ride-share trips (Transportation Network Providers), not of "
            f"taxi trips: it has the column {marks[0]!r}. Give files of the portal's data set Taxi "
            "Trips."
        )
    if missing:
        variants = [name for name in header if name.lower() in map(str.lower, missing)]
        similar = f" There is {', '.join(map(repr, variants))}: case counts." if variants else ""
        raise DataError(
            f"{path} (dialect {best.name}) lacks the column{'s' if len(missing) > 1 else ''} "
            f"{', '.join(map(repr, missing))}.{similar} Export the table with these columns, and "
            "with its header."
        )
    used = [source for source in best.columns.values() if header.count(source) > 1]
    if used:
        raise DataError(
            f"{path}: the header names {', '.join(map(repr, used))} more than once. Keep one "
            "column of each name."
        )
    return best


def find_columns(header: Sequence[str], dialect: Dialect) -> Mapping[str, int]:
    """Positions of the pipeline's columns in a header, counted from 0.

    Columns that the header lacks are left out; `detect` checks that they are optional.
    """
    return {
        name: header.index(source) for name, source in dialect.columns.items() if source in header
    }


def _in_common(dialect: Dialect, header: Sequence[str]) -> int:
    return len(set(dialect.columns.values()) & set(header))


def _no_trips(header: Sequence[str]) -> str:
    """Why a header without a known name is not that of taxi trips."""
    for delimiter, plural in _OTHER_DELIMITERS.items():
        names = [name.strip('"') for name in ",".join(header).split(delimiter)]
        if any(_in_common(dialect, names) for dialect in DIALECTS):
            return f"has fields that are separated by {plural}. Write the table with commas."
    more = f" and {len(header) - _SHOWN} more" if len(header) > _SHOWN else ""
    shown = ", ".join(map(repr, header[:_SHOWN])) + more
    keys = ", ".join(f"{one.key!r} ({one.name})" for one in DIALECTS)
    return (
        f"is not a table of taxi trips: its header names {shown}. Give a file with a header that "
        f"has one of {keys} and that dialect's other columns."
    )
