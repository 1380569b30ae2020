"""Reads a history from a CSV file of hourly counts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from servicekit.files import DataError

from chicagotaxi.city import CITY
from chicagotaxi.clock import is_skipped
from chicagotaxi.history.counts_table import CountsTable, ZoneForm, read_counts_table
from chicagotaxi.history.panel import MAX_HOURS, Panel


@dataclass(frozen=True)
class Counts:
    """A history from a file of counts.

    Attributes:
        panel: The history. An hour and area that the file lacks had no trips, unless its hour is in
            a stretch that is unknown for all areas (`chicagotaxi.unknown_hours`).
        duplicates: Number of repeated rows with the same count, which were left out.
        filled: Number of hours and areas that the file lacks and that were counted as zeros.
        converted: Number of rows whose hour had a zone and was converted to the city's clock.
    """

    panel: Panel
    duplicates: int
    filled: int
    converted: int


def read_counts(path: Path, *, notice: Callable[[str], None] = lambda _text: None) -> Counts:
    """Read a CSV file of trips by hour and area. Rows without trips may be missing.

    Raises:
        DataError: It cannot be read, a column is missing, a cell is refused, or an hour and area
            occurs twice with different counts.
    """
    table = read_counts_table(path)
    _notice_zone(path, table, notice)
    distinct = _distinct(path, table)
    first, last = distinct["hour"].min(), distinct["hour"].max()
    if (last - first) / pd.Timedelta(hours=1) >= MAX_HOURS:
        raise DataError(
            f"{path} goes from {first} to {last}, which is too long. Look for a wrong date in it."
        )
    hours = pd.date_range(first, last, freq="h")
    # The hour that the clock skips is not an hour without trips.
    hours = hours[~is_skipped(hours.to_numpy())]
    skipped = distinct[~distinct["hour"].isin(hours) & (distinct["trips"] > 0)]
    if len(skipped):
        notice(
            f"{path}: left out {int(skipped['trips'].sum()):,} trips at {skipped['hour'].iloc[0]}, "
            f"an hour that {CITY.name}'s clock skips. If the hours are of another zone, write them "
            "with their offset, such as +00:00."
        )
    # An hour that the clock repeats is one hour; a file of clock hours has it once.
    summed = distinct.groupby(["hour", "area"])["trips"].sum()
    grid = pd.MultiIndex.from_product(
        [hours.tolist(), sorted(distinct["area"].unique().tolist())], names=["hour", "area"]
    )
    panel = Panel.from_frame(summed.reindex(grid, fill_value=0).reset_index())
    known = panel.hours[panel.known]
    stated = int(summed.index.get_level_values("hour").isin(known).sum())
    return Counts(
        panel=panel,
        duplicates=len(table.frame) - len(distinct),
        filled=len(known) * len(panel.areas) - stated,
        converted=len(table.frame) if table.zone is ZoneForm.INSTANT else 0,
    )


def write_counts(panel: Panel) -> bytes:
    """The known hours and areas of a history as CSV, which `read_counts` reads."""
    hours, columns = np.nonzero(np.isfinite(panel.trips))
    frame = pd.DataFrame(
        {
            "hour": panel.hours.astype(str)[hours],
            "area": np.asarray(panel.areas)[columns],
            "trips": panel.trips[hours, columns].astype(np.int64),
        }
    )
    return str(frame.to_csv(index=False, lineterminator="\n")).encode()


def _distinct(path: Path, table: CountsTable) -> pd.DataFrame:
    """The rows without repeated ones."""
    frame = table.frame.assign(instant=table.instants)
    distinct = frame.drop_duplicates(["instant", "area", "trips"])
    twice = distinct.duplicated(["instant", "area"])
    if twice.any():
        row = distinct[twice].iloc[0]
        raise DataError(
            f"{path} has area {row['area']} twice at {row['hour']}, with different trips. Leave "
            "one of them out, or add them up."
        )
    return distinct.drop(columns="instant")


def _notice_zone(path: Path, table: CountsTable, notice: Callable[[str], None]) -> None:
    rows = len(table.frame)
    hours = f"{path}: the hours of {rows:,} row{'' if rows == 1 else 's'}"
    if table.zone is ZoneForm.INSTANT:
        notice(f"{hours} have a zone; they were converted to {CITY.name}'s clock.")
    elif table.zone is ZoneForm.LABEL:
        notice(
            f"{hours} are labelled UTC, as in BigQuery; they were read as {CITY.name}'s clock. "
            "If they are UTC, write them with the offset +00:00."
        )
