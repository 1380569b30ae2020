"""The three forms in which Chicago's taxi trips are published, and how each is recognised.

All three hold the same columns under different names. The pipeline's own names are the keys of a
dialect's `columns`; what it does not need (centroids follow from the areas) is left unread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from servicekit.files import DataError

__all__ = ["COLUMNS", "DIALECTS", "Dialect", "detect"]

Times = Literal["american", "iso"]


@dataclass(frozen=True)
class Dialect:
    """One form of the trips.

    Attributes:
        name: What it is called in messages and in the status of a run.
        columns: The source's name of each column of the pipeline.
        times: How text gives a time: ``04/06/2016 08:45:00 PM``, or ISO 8601.
    """

    name: str
    columns: dict[str, str]
    times: Times

    @property
    def key(self) -> str:
        """The source's name of the trip's identifier, by which a header is recognised."""
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
COLUMNS: Final = tuple(_API)
_PORTAL: Final = {
    name: {"trip_id": "Trip ID", "taxi_id": "Taxi ID"}.get(name, source.replace("_", " ").title())
    for name, source in _API.items()
}

# BigQuery's times bear the label UTC, but are the portal's wall-clock times like the others.
DIALECTS: Final = (
    Dialect("portal", _PORTAL, "american"),
    Dialect("api", _API, "iso"),
    Dialect("bigquery", _API | {"trip_id": "unique_key"}, "iso"),
)

_OTHER_DELIMITERS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}


def detect(header: Sequence[str], *, path: str) -> Dialect:
    """Recognise the dialect of a header.

    Args:
        header: The names of the columns.
        path: Of the file, for messages.

    Raises:
        DataError: It is none of the three, or lacks a column that the pipeline needs.
    """
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise DataError(
            f"{path}: the header names {', '.join(map(repr, twice))} more than once. Keep one "
            "column of each name."
        )
    # Most names in common, so that a file without its identifiers is told so, and not "unknown".
    best = max(DIALECTS, key=lambda one: (one.key in header, _in_common(one, header)))
    if not _in_common(best, header):
        if len(header) == 1:
            for delimiter, plural in _OTHER_DELIMITERS.items():
                if delimiter in header[0]:
                    raise DataError(
                        f"{path}: fields are separated by {plural}. Write the table with commas."
                    )
        shown = ", ".join(map(repr, header[:4]))
        keys = ", ".join(f"{one.key!r} ({one.name})" for one in DIALECTS)
        raise DataError(
            f"{path} is no table of taxi trips: its header begins with {shown}. Give a file with "
            f"a header that has one of {keys} and that dialect's other columns."
        )
    missing = [source for source in best.columns.values() if source not in header]
    if missing:
        raise DataError(
            f"{path} (dialect {best.name}) lacks the column{'s' if len(missing) > 1 else ''} "
            f"{', '.join(map(repr, missing))}. Export the whole table, with its header."
        )
    return best


def _in_common(dialect: Dialect, header: Sequence[str]) -> int:
    return len(set(dialect.columns.values()) & set(header))
