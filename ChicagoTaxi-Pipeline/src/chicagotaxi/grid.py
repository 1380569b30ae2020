"""The hours of Chicago's clock, and demand on the complete grid of hours and areas.

The clock skips 02:00 on the second Sunday of March: that hour is not on the grid. On the first
Sunday of November it shows 01:00 twice; both hours are one hour of the grid, because the sources
do not tell them apart.
"""

from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from chicagotaxi.schema import AREAS, hourly_schema

__all__ = ["complete_month", "hours_between", "is_skipped"]

Times = npt.NDArray[np.datetime64]

_HOUR: Final = np.timedelta64(1, "h")
_MARCH: Final = 2


def is_skipped(hours: Times) -> npt.NDArray[np.bool_]:
    """Which of these hours the clock skips in March (the rule since 2007)."""
    hours = hours.astype("datetime64[h]")
    day = hours.astype("datetime64[D]")
    march = day.astype("datetime64[M]").astype(np.int64) % 12 == _MARCH
    # Days of March are numbered from 0 here: the second Sunday is one of 7 to 13.
    number = (day - day.astype("datetime64[M]")).astype(np.int64)
    sunday = (day.astype(np.int64) + 4) % 7 == 0
    second = (number >= 7) & (number < 14)  # noqa: PLR2004
    two = (hours - day).astype(np.int64) == 2  # noqa: PLR2004
    found: npt.NDArray[np.bool_] = march & second & sunday & two
    return found


def hours_between(first: np.datetime64, end: np.datetime64) -> Times:
    """The hours that the clock shows from one day to before another."""
    hours = np.arange(first.astype("datetime64[h]"), end.astype("datetime64[h]"), _HOUR)
    kept: Times = hours[~is_skipped(hours)]
    return kept


def complete_month(demand: pa.Table, *, now: datetime) -> pa.Table:
    """Put the demand of one month on the complete grid.

    The grid begins with the first day that has a trip, and ends with the hour of the last trip:
    whether there were trips after it is not known, and no rows are not zeros. A month that is over
    and has trips on its last day is known to its end. The present hour is not over, so it is not
    on the grid. What a month gives depends on its own trips and on the present time alone.

    Args:
        demand: ``hour``, ``area`` and sums over the trips that began there: ``trips``,
            ``fare_cents`` of ``fares`` trips, ``hundredths`` of a mile of ``distances`` trips. No
            hour and area twice; in any order.
        now: The present time in Chicago.

    Returns:
        The columns of `hourly_schema`, sorted by hour and area.
    """
    present = np.datetime64(now, "h")
    demand = demand.filter(pc.less(demand["hour"], pa.scalar(present.astype("datetime64[us]"))))
    if not demand.num_rows:
        return hourly_schema().empty_table()
    hour = demand["hour"].to_numpy().astype("datetime64[h]")
    area = demand["area"].to_numpy().astype(np.int64)
    days = hour.astype("datetime64[D]")
    end = hour.max() + _HOUR
    month_end = (days.max().astype("datetime64[M]") + 1).astype("datetime64[h]")
    if days.max() + np.timedelta64(1, "D") == month_end <= present:
        end = month_end
    hours = hours_between(days.min(), end)
    cell = np.searchsorted(hours, hour) * AREAS + area - 1
    trips = np.zeros(len(hours) * AREAS, dtype=np.int32)
    trips[cell] = demand["trips"].to_numpy()
    return pa.table(
        {
            "hour": np.repeat(hours.astype("datetime64[us]"), AREAS),
            "area": np.tile(np.arange(1, AREAS + 1, dtype=np.int16), len(hours)),
            "trips": trips,
            "avg_fare": _mean(demand, "fare_cents", "fares", cell, len(trips)),
            "avg_miles": _mean(demand, "hundredths", "distances", cell, len(trips)),
        },
        schema=hourly_schema(),
    )


def _mean(
    demand: pa.Table, total: str, count: str, cell: npt.NDArray[np.int64], cells: int
) -> pa.Array:
    # From whole hundredths, whose sum is exact in any order, and so the same on every engine.
    sums = pc.fill_null(demand[total], 0).to_numpy().astype(np.float64)
    counts = demand[count].to_numpy().astype(np.float64)
    means = np.zeros(cells)
    known = np.zeros(cells, dtype=bool)
    known[cell] = counts > 0
    means[cell] = sums / 100.0 / np.maximum(counts, 1.0)
    return pa.array(means, mask=~known)
