"""The city's clock: hours, weekdays, and the hours that it skips and repeats.

All hours are wall-clock hours of the city without a zone, as the portal publishes them. Many clocks
skip an hour in spring and repeat one in autumn. A repeated hour is one hour here, because the
sources do not distinguish its two halves.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from servicekit.files import DataError

from chicagotaxi.city import CITY

ZONE: Final = ZoneInfo(CITY.time_zone)

HOUR: Final = np.timedelta64(1, "h")
DAY: Final = 24
WEEK: Final = 7 * DAY

Hours = npt.NDArray[np.datetime64]

_SUNDAY, _SATURDAY = 1, 7
_SECONDS: Final = 3600


def local_now() -> datetime:
    """The present time in the city, without a zone."""
    return datetime.now(ZONE).replace(tzinfo=None)


def as_datetime(hour: np.datetime64) -> datetime:
    """The same hour for Python."""
    found: datetime = hour.astype("datetime64[s]").item()
    return found


def clock_hour(hours: Hours) -> npt.NDArray[np.int8]:
    """The hour of the day, 0 to 23."""
    return np.asarray(_in_hours(hours) % DAY, dtype=np.int8)


def day_of_week(hours: Hours) -> npt.NDArray[np.int8]:
    """The day of the week, from 1 for Sunday to 7 for Saturday."""
    # 1 January 1970 was a Thursday.
    return np.asarray((_in_hours(hours) // DAY + 4) % 7 + 1, dtype=np.int8)


def is_weekend(hours: Hours) -> npt.NDArray[np.bool_]:
    """Whether the day is a Saturday or a Sunday."""
    return np.isin(day_of_week(hours), (_SATURDAY, _SUNDAY))


def is_skipped(hours: Hours) -> npt.NDArray[np.bool_]:
    """Whether the clock skips the hour."""
    years = hours.astype("datetime64[Y]").astype(np.int64) + 1970
    if not len(years):
        return np.zeros(0, dtype=np.bool_)
    skipped = skipped_hours(int(years.min()), int(years.max()))
    return np.isin(hours.astype("datetime64[h]"), np.array(skipped, dtype="datetime64[h]"))


def hours_between(first: np.datetime64, end: np.datetime64) -> Hours:
    """The hours that the clock shows from ``first`` to before ``end``."""
    hours = np.arange(first.astype("datetime64[h]"), end.astype("datetime64[h]"), HOUR)
    kept: Hours = hours[~is_skipped(hours)]
    return kept


def skipped_hours(first: int, last: int) -> list[datetime]:
    """The hours that the clock skips in the years from ``first`` to ``last``, ascending."""
    return [hour for year in range(first, last + 1) for hour in _changed_hours(year)[0]]


def repeated_hours(first: int, last: int) -> list[datetime]:
    """The hours that the clock shows twice in the years from ``first`` to ``last``, ascending."""
    return [hour for year in range(first, last + 1) for hour in _changed_hours(year)[1]]


@cache
def _changed_hours(year: int) -> tuple[list[datetime], list[datetime]]:
    """The hours of a year that the clock skips, and those that it repeats.

    Raises:
        DataError: The clock changes by a part of an hour, so that some hours are incomplete.
    """
    skipped: list[datetime] = []
    repeated: list[datetime] = []
    day = datetime(year, 1, 1, tzinfo=ZONE)
    while day.year == year:
        following = day + timedelta(days=1)
        if change := _offset(following, fold=0) - _offset(day, fold=0):
            if change % _SECONDS:
                raise DataError(
                    f"The clock of {ZONE.key} changes on {day:%Y-%m-%d} by a part of an hour; "
                    "hourly demand needs changes by whole hours. Give another time_zone in "
                    "chicagotaxi/city.py, or a later records_begin."
                )
            for hour in (day + timedelta(hours=number) for number in range(DAY)):
                # Of the two readings of a wall-clock time, ``fold=0`` has the offset from before
                # the change and ``fold=1`` the one from after it (PEP 495).
                before, after = _offset(hour, fold=0), _offset(hour, fold=1)
                if before != after:
                    (skipped if before < after else repeated).append(hour.replace(tzinfo=None))
        day = following
    return skipped, repeated


def _offset(hour: datetime, *, fold: int) -> float:
    return (hour.replace(fold=fold).utcoffset() or timedelta()).total_seconds()


def _in_hours(hours: Hours) -> npt.NDArray[np.int64]:
    return np.asarray(hours, dtype="datetime64[h]").astype(np.int64)
