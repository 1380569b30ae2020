"""What is known of an hour before it comes: the clock, the weekday, holidays, the gap in March.

Hours are Chicago wall-clock time, as the portal publishes them, in `numpy.datetime64`.
"""

from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
from holidays import country_holidays

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

_ZONE: Final = ZoneInfo("America/Chicago")
_SATURDAY: Final = 7
_SUNDAY: Final = 1

# Kinds of days. What a day is wins over what it is next to.
ORDINARY: Final = 0
EVE: Final = 1
HOLIDAY: Final = 2
MORROW: Final = 3


def clock_hour(hours: Hours) -> Small:
    """The hour of the day, 0 to 23."""
    return np.asarray(_in_hours(hours) % DAY, dtype=np.int8)


def day_of_week(hours: Hours) -> Small:
    """The day of the week, from 1 for Sunday to 7 for Saturday."""
    days = _in_hours(hours) // DAY
    # 1 January 1970 was a Thursday.
    return np.asarray((days + 4) % 7 + 1, dtype=np.int8)


def is_weekend(hours: Hours) -> npt.NDArray[np.bool_]:
    """Whether the day is a Saturday or a Sunday."""
    day = day_of_week(hours)
    return (day == _SATURDAY) | (day == _SUNDAY)


def holiday_kind(hours: Hours) -> Small:
    """What kind of day it is: 0 ordinary, 1 a holiday's eve, 2 a holiday, 3 the day after one.

    Holidays are those of the United States and of Illinois, observed days included.
    """
    days = np.asarray(hours, dtype="datetime64[D]")
    unique, places = np.unique(days, return_inverse=True)
    kinds = np.array([_kind(day) for day in unique.tolist()], dtype=np.int8)
    return np.asarray(kinds[places], dtype=np.int8)


def exists(hours: Hours) -> npt.NDArray[np.bool_]:
    """Whether the clock shows the hour at all: it skips one in March."""
    index = pd.DatetimeIndex(np.asarray(hours, dtype="datetime64[ns]"))
    local = index.tz_localize(_ZONE, ambiguous=np.ones(len(index), bool), nonexistent="NaT")
    return np.asarray(~local.isna(), dtype=np.bool_)


def _in_hours(hours: Hours) -> npt.NDArray[np.int64]:
    return np.asarray(hours, dtype="datetime64[h]").astype(np.int64)


@lru_cache(maxsize=20_000)
def _kind(day: "pd.Timestamp") -> int:
    # Looking a day up fills in its year; years are few.
    holidays = _holidays()
    if day in holidays:
        return HOLIDAY
    one = pd.Timedelta(days=1).to_pytimedelta()
    if day + one in holidays:
        return EVE
    return MORROW if day - one in holidays else ORDINARY


@lru_cache(maxsize=1)
def _holidays() -> "country_holidays":
    return country_holidays("US", subdiv="IL")
