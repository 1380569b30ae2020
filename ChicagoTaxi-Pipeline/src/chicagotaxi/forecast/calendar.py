"""What is known of an hour before it comes: the clock, the weekday, holidays, the gap in March.

Hours are Chicago wall-clock time, as the portal publishes them, in `numpy.datetime64`.
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from holidays import HolidayBase, country_holidays

__all__ = [
    "DAY",
    "HOUR",
    "WEEK",
    "Hours",
    "clock_hour",
    "day_of_week",
    "exists",
    "holiday_kind",
    "is_weekend",
]

Hours = npt.NDArray[np.datetime64]
Small = npt.NDArray[np.int8]

HOUR: Final = np.timedelta64(1, "h")
DAY: Final = 24
WEEK: Final = 7 * DAY

_ZONE: Final = "America/Chicago"
_SUNDAY, _SATURDAY = 1, 7

# Kinds of days, the strongest first: what a day is wins over what it stands next to.
HOLIDAY: Final = 1
EVE: Final = 2
MORROW: Final = 3
STATE_HOLIDAY: Final = 4
ORDINARY: Final = 0


def clock_hour(hours: Hours) -> Small:
    """The hour of the day, 0 to 23."""
    return np.asarray(_in_hours(hours) % DAY, dtype=np.int8)


def day_of_week(hours: Hours) -> Small:
    """The day of the week, from 1 for Sunday to 7 for Saturday."""
    # 1 January 1970 was a Thursday.
    return np.asarray((_in_hours(hours) // DAY + 4) % 7 + 1, dtype=np.int8)


def is_weekend(hours: Hours) -> npt.NDArray[np.bool_]:
    """Whether the day is a Saturday or a Sunday."""
    day = day_of_week(hours)
    return np.asarray((day == _SATURDAY) | (day == _SUNDAY), dtype=np.bool_)


def holiday_kind(hours: Hours) -> Small:
    """What kind of day it is.

    Returns:
        0 for an ordinary day, 1 for a federal holiday (observed days included), 2 for its eve, 3
        for the day after it, 4 for a day that only Illinois observes.
    """
    days, places = np.unique(np.asarray(hours, dtype="datetime64[D]"), return_inverse=True)
    kinds = np.array([_kind(day) for day in days.tolist()], dtype=np.int8)
    return kinds[places] if len(kinds) else kinds


def exists(hours: Hours) -> npt.NDArray[np.bool_]:
    """Whether the clock shows the hour at all: it skips one in March."""
    index = pd.DatetimeIndex(np.asarray(hours, dtype="datetime64[ns]"))
    # Of the hour that comes twice in November, either will do: it exists.
    summer = np.ones(len(index), dtype=np.bool_)
    local = index.tz_localize(_ZONE, ambiguous=summer, nonexistent="NaT")
    return np.asarray(~np.isnat(local.tz_localize(None).to_numpy()), dtype=np.bool_)


def _in_hours(hours: Hours) -> npt.NDArray[np.int64]:
    return np.asarray(hours, dtype="datetime64[h]").astype(np.int64)


@lru_cache(maxsize=20_000)
def _kind(day: date) -> int:
    federal, state = _holidays()
    if day in federal:
        return HOLIDAY
    if day + timedelta(days=1) in federal:
        return EVE
    if day - timedelta(days=1) in federal:
        return MORROW
    return STATE_HOLIDAY if day in state else ORDINARY


@lru_cache(maxsize=1)
def _holidays() -> tuple[HolidayBase, HolidayBase]:
    # They fill in a year when a day of it is looked up.
    return country_holidays("US"), country_holidays("US", subdiv="IL")
