"""Puts demand on the complete grid of known hours and areas."""

from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from chicagotaxi.arrow_schemas import hourly_schema
from chicagotaxi.city import AREAS
from chicagotaxi.clock import HOUR, Hours, hours_between
from chicagotaxi.unknown_hours import LONGEST_QUIET, quiet_too_long

_AT_THE_EDGE: Final = LONGEST_QUIET // 2


def known_hours(seen: Hours, *, present: np.datetime64) -> Hours:
    """The known hours of a month, by the rule of `chicagotaxi.unknown_hours`.

    Args:
        seen: Hours with a trip, all of one month and before the present hour; at least one.
        present: The present hour in the city. Neither it nor a later hour is known.

    Returns:
        Ascending, without the hour that the clock skips.
    """
    seen = np.unique(seen.astype("datetime64[h]"))
    month = seen[0].astype("datetime64[M]")
    begin, end = month.astype("datetime64[h]"), (month + 1).astype("datetime64[h]")
    if (seen[0] - begin) / HOUR > _AT_THE_EDGE:
        begin = seen[0]
    if end > present or (end - HOUR - seen[-1]) / HOUR > _AT_THE_EDGE:
        end = seen[-1] + HOUR
    hours = hours_between(begin, end)
    return np.asarray(hours[~quiet_too_long(hours, np.isin(hours, seen))])


def complete_month(demand: pa.Table, *, now: datetime) -> pa.Table:
    """Put the demand of one month on the complete grid of its known hours and all areas.

    Unknown hours have no rows (`known_hours`). The result depends on the month's own trips and on
    the present time only.

    Args:
        demand: ``hour``, ``area`` and sums over the trips that began there: ``trips``,
            ``fare_cents`` of ``fares`` trips, ``hundredths`` of a mile of ``distances`` trips. No
            hour and area occurs twice; rows are in any order.
        now: The present time in the city.

    Returns:
        The columns of `chicagotaxi.arrow_schemas.hourly_schema`, sorted by hour and area.
    """
    present = np.datetime64(now, "h")
    demand = demand.filter(pc.less(demand["hour"], pa.scalar(present.astype("datetime64[us]"))))
    if not demand.num_rows:
        return hourly_schema().empty_table()
    hour = demand["hour"].to_numpy().astype("datetime64[h]")
    area = demand["area"].to_numpy().astype(np.int64)
    hours = known_hours(hour, present=present)
    cell = np.searchsorted(hours, hour) * len(AREAS) + np.searchsorted(AREAS, area)
    trips = np.zeros(len(hours) * len(AREAS), dtype=np.int32)
    trips[cell] = demand["trips"].to_numpy()
    return pa.table(
        {
            "hour": np.repeat(hours.astype("datetime64[us]"), len(AREAS)),
            "area": np.tile(np.array(AREAS, dtype=np.int16), len(hours)),
            "trips": trips,
            "avg_fare": _mean(demand, "fare_cents", "fares", cell, len(trips)),
            "avg_miles": _mean(demand, "hundredths", "distances", cell, len(trips)),
        },
        schema=hourly_schema(),
    )


def _mean(
    demand: pa.Table, total: str, count: str, cell: npt.NDArray[np.int64], cells: int
) -> pa.Array:
    # From whole hundredths, whose sums are exact in any order, and so the same on every engine.
    sums = pc.fill_null(demand[total], 0).to_numpy().astype(np.float64)
    counts = demand[count].to_numpy().astype(np.float64)
    means = np.zeros(cells)
    known = np.zeros(cells, dtype=bool)
    known[cell] = counts > 0
    means[cell] = sums / 100.0 / np.maximum(counts, 1.0)
    return pa.array(means, mask=~known)
