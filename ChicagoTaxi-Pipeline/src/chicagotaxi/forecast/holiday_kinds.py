"""Holidays: a feature of the forecast that is known in advance."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from holidays import HolidayBase, country_holidays

from chicagotaxi.city import CITY
from chicagotaxi.clock import Hours

# Kinds of days. A day that is of two kinds has the one that comes first here.
HOLIDAY: Final = 1
EVE: Final = 2
MORROW: Final = 3
REGIONAL_HOLIDAY: Final = 4
ORDINARY: Final = 0


def holiday_kind(hours: Hours) -> npt.NDArray[np.int8]:
    """The kind of each hour's day.

    Returns:
        0 for an ordinary day, 1 for a holiday of the country (observed days included), 2 for its
        eve, 3 for the day after it, 4 for a day that only the subdivision observes.
    """
    days, places = np.unique(np.asarray(hours, dtype="datetime64[D]"), return_inverse=True)
    kinds = np.array([_kind(day) for day in days.tolist()], dtype=np.int8)
    return kinds[places] if len(kinds) else kinds


def is_holiday(hours: Hours) -> npt.NDArray[np.bool_]:
    """Whether each hour is of a holiday of the country."""
    return np.asarray(holiday_kind(hours) == HOLIDAY, dtype=np.bool_)


@lru_cache(maxsize=20_000)
def _kind(day: date) -> int:
    national, regional = _holidays()
    if day in national:
        return HOLIDAY
    if day + timedelta(days=1) in national:
        return EVE
    if day - timedelta(days=1) in national:
        return MORROW
    return REGIONAL_HOLIDAY if day in regional else ORDINARY


@lru_cache(maxsize=1)
def _holidays() -> tuple[HolidayBase, HolidayBase]:
    # They compute a year when a day of it is looked up.
    return (
        country_holidays(CITY.country),
        country_holidays(CITY.country, subdiv=CITY.subdivision),
    )
