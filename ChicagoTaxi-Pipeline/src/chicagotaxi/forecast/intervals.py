"""Rolling conformal prediction intervals, calibrated on recent errors.

The forecast is made for recent weeks that its model was not trained on. Its errors there, in units
of the usual error (`chicagotaxi.forecast.weekly_profile`) and of the area's recent change, set the
width of the intervals, for each level of demand and each day ahead. Where the errors of one day
share a cause, days are exchangeable and hours are not: the quantile is then corrected for the
number of days (Dunn, Wasserman and Ramdas 2022; Lee, Barber and Willett 2023). ADR 021 describes
the method and the alternatives that were tried.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from chicagotaxi.forecast.blend import DAYS, PRIOR
from chicagotaxi.forecast.weekly_profile import RELATIVE, error_scale
from chicagotaxi.history.panel import Floats

# Right ends of the levels of expected trips per hour; the last one is open.
LEVELS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
# From this level on, errors of one day go together: on the real counts, the intraclass correlation
# by day is 0.1 at 10 to 30 trips and 0.27 above, and below 0.03 at every level under 10.
_SHARED_FROM: Final = 5

# Fewer outcomes than this say little about a twentieth of them; neighbouring levels help out.
ENOUGH: Final = 400
# Days whose errors all days ahead lend to each, so that few far days do not decide.
_LENT_DAYS: Final = 14

# What models of earlier releases were calibrated with.
_EARLIER_LEVELS: Final = (*LEVELS, 100.0)

# In units of the error scale this is below zero for every forecast.
_TO_ZERO: Final = -1e6
# Where there is not a single outcome.
_BLIND: Final = 2.0


@dataclass(frozen=True)
class Tried:
    """Forecasts of hours that training has not seen, and what happened. Arrays of one length.

    Attributes:
        expected: Forecasts, float32.
        truth: What happened, float32.
        days: How many days ahead each forecast looked, from 1, int64.
        dates: The day that each hour is of, as a number, int64.
        change: How much harder the area was to foresee of late than usual, float32.
    """

    expected: Floats
    truth: Floats
    days: npt.NDArray[np.int64]
    dates: npt.NDArray[np.int64]
    change: Floats


class Intervals(BaseModel):
    """Widths of the intervals, in units of the error scale.

    Attributes:
        coverage: How often the truth shall lie inside.
        low: By level and day ahead: the lower end's distance, negative below the forecast.
        high: The upper end's distance, likewise.
        levels: Right ends of the levels of expected trips; the last one is open.
        relative: The relative part of the error scale.
        holidays: Whether the lower end is zero on holidays; not in models of earlier releases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    coverage: float = Field(gt=0, lt=1)
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]
    levels: tuple[float, ...] = _EARLIER_LEVELS
    relative: float = 0.0
    holidays: bool = False

    @classmethod
    def calibrate(cls, tried: Tried, *, coverage: float) -> "Intervals":
        """Find the widths that would have covered.

        Args:
            tried: Recent forecasts, without those of holidays.
            coverage: How often the truth shall lie inside.
        """
        scores = (tried.truth - tried.expected) / (error_scale(tried.expected) * tried.change)
        levels = _level_of(tried.expected, LEVELS)
        known = len(np.unique(tried.dates))
        growth = _growth(scores, levels, tried, known)
        scores = scores / growth[tried.days - 1]
        low, high = np.empty((2, len(LEVELS) + 1, DAYS))
        for level in range(len(LEVELS) + 1):
            chosen = _chosen(levels, level)
            ranked, none = np.sort(scores[chosen]), _share(tried.truth[chosen] == 0)
            for day in range(DAYS):
                inside = coverage
                if level >= _SHARED_FROM:
                    inside = _among_days(coverage, known - day, 1 - PRIOR[day])
                low[level, day], high[level, day] = _ends(ranked, none, inside, coverage)
        low, high = low * growth, high * growth
        return cls(
            coverage=coverage,
            low=tuple(map(tuple, low.tolist())),
            high=tuple(map(tuple, high.tolist())),
            levels=LEVELS,
            relative=RELATIVE,
            holidays=True,
        )

    def around(
        self,
        expected: Floats,
        days: npt.NDArray[np.int64],
        change: Floats,
        holiday: npt.NDArray[np.bool_],
    ) -> tuple[Floats, Floats]:
        """The ends of the intervals: never below zero, and the forecast lies between them.

        A holiday is unlike the days that intervals are calibrated on, and too rare to calibrate on
        by itself: nothing rules out that hardly anybody takes a taxi, so the lower end is zero.

        Args:
            expected: Forecasts.
            days: How many days ahead each looks, from 1; of a shape that broadcasts.
            change: How much harder the area is to foresee of late than usual; likewise.
            holiday: Whether the hour is of a federal holiday; likewise.
        """
        levels, place = _level_of(expected, self.levels), np.clip(days, 1, DAYS) - 1
        scale = error_scale(expected, self.relative) * change
        low = np.asarray(self.low, dtype=np.float32)[levels, place]
        high = np.asarray(self.high, dtype=np.float32)[levels, place]
        zero = np.float32(0)
        lower = np.clip(expected + low * scale, zero, expected)
        if self.holidays:
            lower = np.where(holiday, zero, lower)
        return lower, np.maximum(expected, expected + high * scale)


def _level_of(expected: Floats, ends: tuple[float, ...]) -> npt.NDArray[np.int64]:
    """The level of demand that a forecast belongs to."""
    places = np.searchsorted(np.asarray(ends, dtype=np.float32), expected, side="right")
    return np.asarray(places, dtype=np.int64)


def _growth(
    scores: Floats, levels: npt.NDArray[np.int64], tried: Tried, known: int
) -> npt.NDArray[np.float64]:
    """By day ahead, how much larger the errors are than those of all days ahead."""
    # Where next to nothing happens, there is next to nothing to be wrong about.
    telling = np.abs(scores[levels >= len(LEVELS) // 2])
    growth = np.ones(DAYS)
    if not telling.size or not telling.any():
        return growth
    ahead = tried.days[levels >= len(LEVELS) // 2]
    mean = float(telling.mean(dtype=np.float64))
    for day in range(DAYS):
        some = telling[ahead == day + 1]
        if some.size:
            seen = max(known - day, 0)
            own = float(some.mean(dtype=np.float64))
            growth[day] = (seen * own + _LENT_DAYS * mean) / ((seen + _LENT_DAYS) * mean)
    return growth


def _chosen(levels: npt.NDArray[np.int64], level: int) -> npt.NDArray[np.bool_]:
    """A level's outcomes, or those of the nearest levels that are many enough together."""
    for reach in range(len(LEVELS) + 1):
        chosen: npt.NDArray[np.bool_] = np.abs(levels - level) <= reach
        if chosen.sum() >= ENOUGH:
            return chosen
    return np.ones(levels.shape, dtype=np.bool_)


def _share(chosen: npt.NDArray[np.bool_]) -> float:
    return float(chosen.mean()) if len(chosen) else 0.0


def _among_days(coverage: float, days: int, unknown: float) -> float:
    """What part of the outcomes of so many days to cover, for the coverage on one day more.

    The day to come is one of ``days + 1`` that may come in any order, and the only one whose
    errors are not known: it may be off by more than all others. A part of what its hours share is
    known from the last day, though.

    Args:
        coverage: How often the truth shall lie inside.
        days: How many days have been forecast so far ahead.
        unknown: The part of a day's deviation that is not known so far ahead.
    """
    return min(coverage * (1 + unknown / days), 1.0) if days > 0 else 1.0


def _ends(ranked: Floats, none: float, inside: float, coverage: float) -> tuple[float, float]:
    """The ends that have a part of the outcomes between them.

    Args:
        ranked: Scores, ascending.
        none: The share of outcomes without any trip.
        inside: The part to be covered.
        coverage: How often the truth shall lie inside.
    """
    count = len(ranked)
    if not count:
        return _TO_ZERO, _BLIND
    outside = (1 - inside) * (count + 1)
    # Counts without trips are too many to be left out below: the shortest interval begins at zero.
    if none > (1 - coverage) / 2:
        return _TO_ZERO, float(ranked[max(count - max(int(outside), 1), 0)])
    first = max(int(outside / 2) - 1, 0)
    return float(ranked[first]), float(ranked[count - 1 - first])
