"""Where and when the trips of the sample begin: the intensity of every hour and area.

All figures are set to resemble published figures of Chicago's taxis; `chicagotaxi.city` says which
areas they belong to: a third of the trips downtown,
one in seven from an airport, weekday peaks, late Fridays and Saturdays in the night-life areas, a
quiet January and a busy early summer, few trips on holidays and many in the night of New Year. In
addition, every day has a factor that depends on the day before (weather), and every area has
evenings with an event. Neither is in the calendar, so that no forecast can know them.
"""

from datetime import date
from typing import Final

import holidays
import numpy as np
import numpy.typing as npt

from chicagotaxi.city import AREAS, CITY
from chicagotaxi.clock import hours_between

Float64Array = npt.NDArray[np.float64]

# By hour of the day, from midnight.
_WORK: Final = (
    2, 1, 1, 1, 2, 4, 9, 20, 30, 27, 23, 24, 26, 25, 25, 27, 32, 38, 36, 28, 21, 16, 11, 6,
)  # fmt: skip
_WEEKEND: Final = (
    14, 11, 8, 5, 3, 3, 4, 6, 9, 13, 17, 20, 23, 24, 24, 24, 25, 27, 29, 27, 24, 22, 20, 17,
)  # fmt: skip
_NIGHT: Final = (
    26, 22, 17, 10, 5, 3, 3, 5, 7, 9, 10, 11, 13, 13, 14, 15, 18, 23, 28, 31, 32, 33, 35, 33,
)  # fmt: skip
_FLIGHTS: Final = (
    14, 7, 3, 2, 3, 8, 14, 17, 19, 20, 20, 20, 21, 22, 23, 25, 27, 29, 30, 31, 31, 30, 27, 21,
)  # fmt: skip
_MONTHS: Final = (0.84, 0.9, 1.0, 1.02, 1.08, 1.12, 1.02, 1.0, 1.05, 1.08, 0.98, 0.92)
_WEEKDAYS: Final = (0.92, 0.98, 1.02, 1.07, 1.12, 0.98, 0.86)  # from Monday

_WEATHER_MEMORY: Final = 0.6
_WEATHER: Final = 0.1
_EVENTS: Final = 0.006
_EVENING: Final = 18
_SATURDAY: Final = 5


def intensities(
    first: date, days: int, *, seed: int
) -> tuple[npt.NDArray[np.datetime64], Float64Array]:
    """The probability that a trip begins in each hour and area.

    Returns:
        The hours, and an array of hours x areas, float64, that sums to 1.
    """
    draw = np.random.default_rng([seed, 1])
    start = np.datetime64(first, "D")
    hours = hours_between(start, start + days)
    day = hours.astype("datetime64[D]")
    hour = (hours - day).astype(np.int64)
    weekday = (day.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    month = day.astype("datetime64[M]").astype(np.int64) % 12
    number = (day - start).astype(np.int64)

    city = np.array(_MONTHS, dtype=np.float64)[month] * np.array(_WEEKDAYS)[weekday]
    city *= np.exp(_weather(draw, days))[number]
    free = _is_holiday(first, days)[number]
    rate = _profiles(weekday, hour, free) * _shares(draw)
    rate *= np.where(free, 0.7, 1.0)[:, np.newaxis] * city[:, np.newaxis]
    new_year = (month == 0) & (hours - hours.astype("datetime64[Y]") < np.timedelta64(4, "h"))
    rate[new_year] *= 4.0
    evening = hour >= _EVENING
    rate *= _events(draw, days)[:, number].T ** evening[:, np.newaxis]
    return hours, rate / rate.sum()


def _profiles(
    weekday: npt.NDArray[np.int64], hour: npt.NDArray[np.int64], free: npt.NDArray[np.bool_]
) -> Float64Array:
    weekend = (weekday >= _SATURDAY) | free
    late = np.isin(weekday, (4, 5))[:, np.newaxis]
    work, rest, night, flights = (
        np.array(profile, dtype=np.float64)[hour][:, np.newaxis] / sum(profile)
        for profile in (_WORK, _WEEKEND, _NIGHT, _FLIGHTS)
    )
    city = np.where(weekend[:, np.newaxis], rest, work)
    nights = np.where(late, 1.5 * night, 0.5 * night + 0.4 * city)
    # Many people leave on Mondays and return on Thursdays, Fridays and Sundays.
    flights = flights * np.array([1.1, 0.95, 0.95, 1.1, 1.1, 0.75, 1.05])[weekday][:, np.newaxis]
    return np.where(
        np.isin(AREAS, CITY.airports),
        flights,
        np.where(np.isin(AREAS, CITY.night_life), nights, city),
    )


def _shares(draw: np.random.Generator) -> Float64Array:
    shares = np.array([CITY.shares.get(area, 0.0) for area in AREAS], dtype=np.float64)
    others = shares == 0
    rest = draw.pareto(1.5, size=int(others.sum())) + 0.1
    shares[others] = (1 - shares.sum()) * rest / rest.sum()
    return shares


def _weather(draw: np.random.Generator, days: int) -> Float64Array:
    shocks = draw.normal(0.0, _WEATHER, size=days)
    for day in range(1, days):
        shocks[day] += _WEATHER_MEMORY * shocks[day - 1]
    return shocks


def _events(draw: np.random.Generator, days: int) -> Float64Array:
    return np.where(draw.random((len(AREAS), days)) < _EVENTS, 2.5, 1.0)


def _is_holiday(first: date, days: int) -> npt.NDArray[np.bool_]:
    last = np.datetime64(first, "D") + days
    years = range(first.year, int(str(last)[:4]) + 1)
    calendar = holidays.country_holidays(CITY.country, subdiv=CITY.subdivision, years=years)
    start = np.datetime64(first, "D")
    return np.isin(
        np.arange(start, start + days), np.array(sorted(calendar), dtype="datetime64[D]")
    )
