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
from chicagotaxi.history.panel import Float32Array

# Right ends of the levels of expected trips per hour; the last one is open.
LEVELS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
# From this level on, errors of one day are correlated: on the real counts, the intraclass
# correlation by day is 0.1 at 10 to 30 trips and 0.27 above, and below 0.03 under 10.
_SHARED_FROM: Final = 5

# Fewer outcomes are too few for a quantile of 5%: neighbouring levels are added.
ENOUGH: Final = 400
# Each day ahead is averaged with this many days of the mean, so that few days do not decide.
_LENT_DAYS: Final = 14

# Levels of models of earlier releases.
_EARLIER_LEVELS: Final = (*LEVELS, 100.0)

# In units of the error scale, below zero for every forecast.
_TO_ZERO: Final = -1e6
# The upper end without a single outcome.
_BLIND: Final = 2.0


@dataclass(frozen=True)
class Tried:
    """Forecasts of hours that were not trained on, and the truth. Arrays of one length.

    Attributes:
        expected: Forecasts, float32.
        truth: Trips that happened, float32.
        days: How many days ahead each forecast is, from 1, int64.
        dates: The day of each hour, as a number, int64.
        change: Ratio of the area's recent error to its usual error, float32.
    """

    expected: Float32Array
    truth: Float32Array
    days: npt.NDArray[np.int64]
    dates: npt.NDArray[np.int64]
    change: Float32Array


class Intervals(BaseModel):
    """Widths of the intervals, in units of the error scale.

    Attributes:
        coverage: Intended share of truths inside the interval.
        low: By level and day ahead, distance of the lower end; negative below the forecast.
        high: Distance of the upper end, likewise.
        levels: Right ends of the levels of expected trips; the last one is open.
        relative: The relative part of the error scale.
        holidays: Whether the lower end is zero on holidays; False in models of earlier releases.
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
        """Find the widths that would have covered recent truths, without holidays."""
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
        expected: Float32Array,
        days: npt.NDArray[np.int64],
        change: Float32Array,
        holiday: npt.NDArray[np.bool_],
    ) -> tuple[Float32Array, Float32Array]:
        """The ends of the intervals: not below zero, with the forecast between them.

        Holidays differ from the days of the calibration, and are too rare to calibrate on: demand
        may be close to zero, so the lower end is zero.

        Args:
            expected: Forecasts.
            days: How many days ahead each forecast is, from 1; of a shape that broadcasts.
            change: Ratio of the area's recent error to its usual error; likewise.
            holiday: Whether the hour is of a holiday of the country; likewise.
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


def _level_of(expected: Float32Array, ends: tuple[float, ...]) -> npt.NDArray[np.int64]:
    """The level of demand of each forecast."""
    places = np.searchsorted(np.asarray(ends, dtype=np.float32), expected, side="right")
    return np.asarray(places, dtype=np.int64)


def _growth(
    scores: Float32Array, levels: npt.NDArray[np.int64], tried: Tried, known: int
) -> npt.NDArray[np.float64]:
    """By day ahead, the ratio of its errors to those of all days ahead."""
    # Errors of the lowest levels are close to zero on every day.
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
    """A level's outcomes, with those of the nearest levels until there are enough."""
    for reach in range(len(LEVELS) + 1):
        chosen: npt.NDArray[np.bool_] = np.abs(levels - level) <= reach
        if chosen.sum() >= ENOUGH:
            return chosen
    return np.ones(levels.shape, dtype=np.bool_)


def _share(chosen: npt.NDArray[np.bool_]) -> float:
    return float(chosen.mean()) if len(chosen) else 0.0


def _among_days(coverage: float, days: int, unknown: float) -> float:
    """The share of the outcomes of past days to cover, for the intended coverage of a new day.

    The new day is one of ``days + 1`` exchangeable days, and the only one with unknown errors,
    which may be the largest. A part of its common error is known from the last day, though.
    """
    return min(coverage * (1 + unknown / days), 1.0) if days > 0 else 1.0


def _ends(ranked: Float32Array, none: float, inside: float, coverage: float) -> tuple[float, float]:
    """The ends that have a share of the outcomes between them."""
    count = len(ranked)
    if not count:
        return _TO_ZERO, _BLIND
    outside = (1 - inside) * (count + 1)
    # With so many outcomes without trips, the shortest interval begins at zero.
    if none > (1 - coverage) / 2:
        return _TO_ZERO, float(ranked[max(count - max(int(outside), 1), 0)])
    first = max(int(outside / 2) - 1, 0)
    return float(ranked[first]), float(ranked[count - 1 - first])
