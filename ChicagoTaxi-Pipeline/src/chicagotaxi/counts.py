"""Hourly counts from a file that somebody else made, to try the forecast on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
from servicekit.files import DataError

from chicagotaxi.calendar import exists
from chicagotaxi.panel import MAX_HOURS, Panel

__all__ = ["Counts", "read_counts"]

# Beyond it, a float no longer tells whole numbers apart.
_MAX_NUMBER: Final = 2**53
# What the columns of known files are called: by census tract, and as this pipeline says it.
_NAMES: Final = (
    {"interval60": "hour", "GEOID": "area", "trip_count": "trips"},
    {"hour": "hour", "area": "area", "trips": "trips"},
)


@dataclass(frozen=True)
class Counts:
    """A history, and what had to be done to make it one.

    Attributes:
        panel: The history, complete: an hour and area that the file does not have had no trips.
        duplicates: Rows that came again with the same count, which were left out.
        filled: Hours and areas that the file does not have.
    """

    panel: Panel
    duplicates: int
    filled: int


def read_counts(path: Path) -> Counts:
    """Read a CSV file of trips by hour and area, of which rows without trips are left out.

    Raises:
        DataError: It cannot be read, a column is missing, or an hour and area comes twice with
            different counts.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(
            f"{path} cannot be read as CSV: {error}. Give a file with the columns hour, area and "
            "trips."
        ) from error
    frame = _renamed(path, table)
    try:
        frame["hour"] = pd.to_datetime(frame["hour"], format="ISO8601")
        for name in ("area", "trips"):
            frame[name] = _whole(frame[name])
    except ValueError as error:
        raise DataError(
            f"{path}: {error}. Hours are written as 2022-10-01 13:00:00; areas and trips are "
            "whole numbers."
        ) from error
    if frame.empty:
        raise DataError(f"{path} has no rows. Give hourly counts.")
    if (frame["hour"] != frame["hour"].dt.floor("h")).any() or (frame["trips"] < 0).any():
        raise DataError(f"{path} has times within an hour or negative trips. Give hourly counts.")
    distinct = frame.drop_duplicates()
    twice = distinct.duplicated(["hour", "area"])
    if twice.any():
        row = distinct[twice].iloc[0]
        raise DataError(
            f"{path} has area {row['area']} twice at {row['hour']}, with different trips. Leave "
            "one of them out, or add them up."
        )
    first, last = distinct["hour"].min(), distinct["hour"].max()
    if (last - first) / pd.Timedelta(hours=1) >= MAX_HOURS:
        raise DataError(
            f"{path} goes from {first} to {last}, which cannot be. Look for a wrong date in it."
        )
    hours = pd.date_range(first, last, freq="h")
    # The hour that the clock skips had no trips, but not because nobody took a taxi.
    hours = hours[exists(hours.to_numpy())]
    grid = pd.MultiIndex.from_product(
        [hours.tolist(), sorted(distinct["area"].unique().tolist())], names=["hour", "area"]
    )
    complete = distinct.set_index(["hour", "area"]).reindex(grid, fill_value=0).reset_index()
    return Counts(
        panel=Panel.from_frame(complete),
        duplicates=len(frame) - len(distinct),
        filled=len(complete) - len(distinct),
    )


def _whole(values: "pd.Series[Any]") -> "pd.Series[int]":
    numbers = pd.to_numeric(values).astype("float64")
    if ((numbers % 1 != 0) | (numbers.abs() > _MAX_NUMBER)).any():
        raise ValueError(f"{values.name} has a fraction, or a number beyond {_MAX_NUMBER:,}")
    return numbers.astype("int64")


def _renamed(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    for names in _NAMES:
        if set(names) <= set(table.columns):
            frame = table[list(names)].rename(columns=names)
            if empty := int(frame.isna().any(axis=1).sum()):
                raise DataError(
                    f"{path} has {empty:,} row{'s' if empty > 1 else ''} without an hour, area or "
                    "number of trips. Fill in what is missing, or leave them out."
                )
            return frame
    missing = [name for name in _NAMES[1] if name not in table.columns]
    raise DataError(
        f"{path} lacks the columns {', '.join(missing)}. Give hour, area and trips (or interval60, "
        "GEOID and trip_count)."
    )
