"""The three columns of a CSV file of counts: found by name, and every cell read or refused.

Numbers follow `servicekit.numbers`. Hours are written as ISO 8601 text, to the start of an hour:
Chicago's clock, unless they name a zone. ``Z`` and offsets are instants and are converted;
``UTC`` after a blank is how BigQuery writes Chicago's clock in the city's own tables, and is read
so.
"""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from servicekit.files import DataError
from servicekit.numbers import GRAMMAR, parse_number
from servicekit.rows import RowError, RowErrors

from chicagotaxi.file_kinds import read_header

__all__ = ["CountsTable", "ZoneForm", "read_counts_table"]

# What the columns of known files are called: by census tract, and as this pipeline says it.
_NAMES: Final = (
    {"hour": "interval60", "area": "GEOID", "trips": "trip_count"},
    {"hour": "hour", "area": "area", "trips": "trips"},
)
# Beyond it, a float no longer tells whole numbers apart.
_MAX_NUMBER: Final = 2**53

_HOUR: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T]([01]\d|2[0-3])(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?"
    r"( UTC| ?Z| ?[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?",
    re.ASCII,
)
_AN_HOUR: Final = "an hour, such as 2022-10-01 13:00:00 or 2022-10-01T13:00:00-05:00"
_A_WHOLE_HOUR: Final = "the start of an hour: these are hourly counts"
_A_NUMBER: Final = f"a whole number ({GRAMMAR})"
_NOT_NEGATIVE: Final = "a number of trips, which is not negative"


class ZoneForm(StrEnum):
    """How hours name their zone."""

    CLOCK = "without a zone"
    INSTANT = "with a zone"
    LABEL = "labelled UTC after a blank"


@dataclass(frozen=True)
class CountsTable:
    """The rows of a file of counts.

    Attributes:
        frame: `hour` (Chicago's clock), `area` and `trips`. An hour and area may come again.
        instants: The hours as they are written: in UTC where they name a zone, which tells the two
            hours apart that Chicago's clock shows as one in November.
        zone: How all hours name their zone.
    """

    frame: pd.DataFrame
    instants: "pd.Series[pd.Timestamp]"
    zone: ZoneForm


def read_counts_table(path: Path) -> CountsTable:
    """Read the hours, areas and trips of a CSV file; its other columns are left unread.

    Raises:
        DataError: It is no such file, a column is missing or comes twice, or a cell is refused.
    """
    try:
        header = read_header(path)
        names = _find(path, header)
        cells = _read_cells(path, header)
    except (OSError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise DataError(
            f"{path} cannot be read as CSV: {error}. Give a file with the columns hour, area and "
            "trips."
        ) from error
    cells = pd.DataFrame({name: cells[str(header.index(names[name]))] for name in names})
    if cells.empty:
        raise DataError(f"{path} has no rows. Give hourly counts.")
    hours, areas, trips = (
        list(map(_cached(read), cells[name]))
        for name, read in (("hour", _read_hour), ("area", _read_number), ("trips", _read_trips))
    )
    _refuse(path, names, cells, {"hour": hours, "area": areas, "trips": trips})
    zones = {one.zone for one in hours}
    if len(zones) > 1:
        raise DataError(
            f"{path} has hours {' and '.join(sorted(zones))}. Write all of them in one way."
        )
    [zone] = zones
    instants = pd.Series(pd.to_datetime([one.instant for one in hours]))
    clock = instants
    if zone is ZoneForm.INSTANT:
        utc = instants.dt.tz_localize("UTC")
        clock = utc.dt.tz_convert("America/Chicago").dt.tz_localize(None)
    frame = pd.DataFrame(
        {
            "hour": clock,
            "area": np.array(areas, dtype=np.int64),
            "trips": np.array(trips, dtype=np.int64),
        }
    )
    return CountsTable(frame, instants, zone)


def _read_cells(path: Path, header: Sequence[str]) -> pd.DataFrame:
    with warnings.catch_warnings():
        # A row with more cells than there are names: which of them belong to which is unknown.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path,
            header=0,
            names=[str(place) for place in range(len(header))],
            dtype=str,
            keep_default_na=False,
            encoding="utf-8",
            encoding_errors="surrogateescape",
            index_col=False,
        ).fillna("")


def _find(path: Path, header: Sequence[str]) -> dict[str, str]:
    """The file's names of the three columns."""
    for names in _NAMES:
        if set(names.values()) <= set(header):
            if twice := [name for name in names.values() if header.count(name) > 1]:
                raise DataError(f"{path} has the column {twice[0]} twice. Leave one of them out.")
            return names
    if len(header) == 1 and (found := [sign for sign in _SEPARATORS if sign in header[0]]):
        raise DataError(
            f"{path} is separated by {_SEPARATORS[found[0]]}. Write it with commas, and decimal "
            "points."
        )
    missing = [name for name in _NAMES[1].values() if name not in header]
    alike = [name for name in header if name.strip().lower() in missing and name not in missing]
    hint = f" It has {', '.join(map(repr, alike))}: write names exactly so." if alike else ""
    raise DataError(
        f"{path} lacks the columns {', '.join(missing)}.{hint} Give hour, area and trips (or "
        "interval60, GEOID and trip_count)."
    )


_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class _Refused:
    """Why a cell is refused: what is expected instead."""

    expected: str


@dataclass(frozen=True)
class _Hour:
    """An hour as it is written, in UTC where it has an offset; and how it names its zone."""

    instant: pd.Timestamp
    zone: ZoneForm


def _read_hour(cell: str) -> "_Hour | _Refused":
    found = _HOUR.fullmatch(cell.strip(" "))
    if found is None:
        return _Refused(_AN_HOUR)
    day, hour, *smaller, zone = found.groups()
    if any(part is not None and part.strip("0") for part in smaller):
        return _Refused(_A_WHOLE_HOUR)
    offset = (zone or "").strip()
    try:
        instant = pd.Timestamp(f"{day} {hour or '00'}:00:00").as_unit("ns")
    except ValueError:
        return _Refused(_AN_HOUR)
    if offset in {"", "UTC"}:
        return _Hour(instant, ZoneForm.LABEL if offset else ZoneForm.CLOCK)
    digits = offset.replace(":", "").replace("Z", "+00").ljust(5, "0")
    ahead = pd.Timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    instant += ahead if digits[0] == "-" else -ahead
    return _Hour(instant, ZoneForm.INSTANT) if instant.minute == 0 else _Refused(_A_WHOLE_HOUR)


def _read_number(cell: str) -> "float | _Refused":
    number = parse_number(cell)
    if number is None or number % 1 or abs(number) > _MAX_NUMBER:
        return _Refused(_A_NUMBER)
    return number


def _read_trips(cell: str) -> "float | _Refused":
    number = _read_number(cell)
    return _Refused(_NOT_NEGATIVE) if isinstance(number, float) and number < 0 else number


def _cached(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """The same, each cell read once: columns of counts hold the same few again and again."""
    known: dict[str, Any] = {}

    def cached(cell: str) -> Any:  # noqa: ANN401 - what `read` gives
        if cell not in known:
            known[cell] = read(cell)
        return known[cell]

    return cached


def _refuse(
    path: Path,
    names: dict[str, str],
    cells: pd.DataFrame,
    columns: "dict[str, list[Any]]",
) -> None:
    refused = pd.DataFrame(
        {name: [isinstance(one, _Refused) for one in column] for name, column in columns.items()}
    )
    problems = RowErrors()
    for row in np.flatnonzero(refused.any(axis=1)).tolist():
        problems.add(
            [
                RowError(names[name], row + 1, repr(cells[name].iloc[row]), found.expected)
                for name, column in columns.items()
                if isinstance(found := column[row], _Refused)
            ]
        )
    if problems:
        raise problems.refusal(path)
