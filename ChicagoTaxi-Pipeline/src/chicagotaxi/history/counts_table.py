"""Reads the hours, areas and trips of a CSV file of counts, and refuses every malformed cell.

Numbers follow `servicekit.numbers`. Hours are ISO 8601 text, on the city's
clock unless they have a zone, and whole on that clock. ``Z`` and offsets are instants and are
converted. ``UTC`` after a blank is BigQuery's form of the city's clock in Chicago's own tables, and
is read as such.
"""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from servicekit.files import DataError
from servicekit.numbers import GRAMMAR, parse_number
from servicekit.rows import RowError, RowErrors

from chicagotaxi.clock import ZONE
from chicagotaxi.file_formats import read_header

# Names of the columns in known files: by census tract, and as this pipeline writes them.
_NAMES: Final = (
    {"hour": "interval60", "area": "GEOID", "trips": "trip_count"},
    {"hour": "hour", "area": "area", "trips": "trips"},
)
_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}
# Larger floats cannot represent all whole numbers.
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
    """How hours give their zone."""

    CLOCK = "without a zone"
    INSTANT = "with a zone"
    LABEL = "labelled UTC after a blank"


@dataclass(frozen=True)
class CountsTable:
    """The rows of a file of counts.

    Attributes:
        frame: `hour` (the city's clock), `area` and `trips`. An hour and area may be repeated.
        instants: The hours as written, in UTC if they have a zone. They distinguish the two hours
            that the city's clock shows as one.
        zone: How all hours give their zone.
    """

    frame: pd.DataFrame
    instants: "pd.Series[pd.Timestamp]"
    zone: ZoneForm


def read_counts_table(path: Path) -> CountsTable:
    """Read the hours, areas and trips of a CSV file. Other columns are not read.

    Raises:
        DataError: It is not such a file, a column is missing or occurs twice, or a cell is refused.
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
    columns = {
        name: _parse(cells[name], read)
        for name, read in (("hour", _read_hour), ("area", _read_number), ("trips", _read_trips))
    }
    _refuse_errors(path, names, cells, columns)
    zones = {zone for _, zone in columns["hour"]}
    if len(zones) > 1:
        raise DataError(
            f"{path} has hours {' and '.join(sorted(zones))}. Write all of them in one form."
        )
    [zone] = zones
    instants = pd.Series(pd.to_datetime([instant for instant, _ in columns["hour"]]))
    clock = instants
    if zone is ZoneForm.INSTANT:
        clock = instants.dt.tz_localize("UTC").dt.tz_convert(ZONE).dt.tz_localize(None)
    numbers = {name: np.array(columns[name], dtype=np.int64) for name in ("area", "trips")}
    return CountsTable(pd.DataFrame({"hour": clock, **numbers}), instants, zone)


def _read_cells(path: Path, header: Sequence[str]) -> pd.DataFrame:
    with warnings.catch_warnings():
        # In a row with more cells than names, it is unknown which cell belongs to which name.
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


def _parse(cells: "pd.Series[str]", read: Callable[[str], object]) -> list[Any]:
    """Each cell's value, or the `ValueError` with the expected form. Equal cells are read once."""

    def parse(cell: str) -> object:
        try:
            return read(cell)
        except ValueError as error:
            return error

    known = {cell: parse(cell) for cell in cells.unique()}
    return [known[cell] for cell in cells]


def _read_hour(cell: str) -> tuple[pd.Timestamp, ZoneForm]:
    """An hour as written, in UTC if it has an offset, and how it gives its zone."""
    found = _HOUR.fullmatch(cell.strip(" "))
    if found is None:
        raise ValueError(_AN_HOUR)
    day, hour, *smaller, zone = found.groups()
    minute, *seconds = (part or "00" for part in smaller)
    offset = (zone or "").strip()
    if any(part.strip("0") for part in seconds):
        raise ValueError(_A_WHOLE_HOUR)
    try:
        instant = pd.Timestamp(f"{day} {hour or '00'}:{minute}:00").as_unit("ns")
    except ValueError as error:
        raise ValueError(_AN_HOUR) from error
    if offset in {"", "UTC"}:
        if instant.minute:
            raise ValueError(_A_WHOLE_HOUR)
        return instant, ZoneForm.LABEL if offset else ZoneForm.CLOCK
    digits = offset.replace(":", "").replace("Z", "+00").ljust(5, "0")
    ahead = pd.Timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    instant += ahead if digits[0] == "-" else -ahead
    if instant.tz_localize("UTC").tz_convert(ZONE).minute:
        raise ValueError(_A_WHOLE_HOUR)
    return instant, ZoneForm.INSTANT


def _read_number(cell: str) -> float:
    number = parse_number(cell)
    if number is None or number % 1 or abs(number) > _MAX_NUMBER:
        raise ValueError(_A_NUMBER)
    return number


def _read_trips(cell: str) -> float:
    number = _read_number(cell)
    if number < 0:
        raise ValueError(_NOT_NEGATIVE)
    return number


def _refuse_errors(
    path: Path, names: Mapping[str, str], cells: pd.DataFrame, columns: Mapping[str, list[Any]]
) -> None:
    problems = RowErrors()
    for number, row in enumerate(zip(*columns.values(), strict=True)):
        if any(isinstance(value, ValueError) for value in row):
            problems.add(
                [
                    RowError(names[name], number + 1, repr(cells[name].iloc[number]), str(value))
                    for name, value in zip(columns, row, strict=True)
                    if isinstance(value, ValueError)
                ]
            )
    if problems:
        raise problems.refusal(path)
