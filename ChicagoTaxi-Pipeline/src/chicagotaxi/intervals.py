"""Prediction intervals by what happened: conformal, per level of demand and day ahead.

The model is tried on weeks that it was not trained on. How far the truth was from the forecast
there, in units of the forecast's square root (the natural scale of a count), says how wide the
interval must be. Quiet and busy areas, and near and far days, get their own widths.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from chicagotaxi.panel import Floats

__all__ = ["LEVELS", "Intervals", "level_of"]

# Right ends of the levels of expected trips per hour; the last one is open.
LEVELS: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
DAYS: Final = 7

# Fewer outcomes than this say little about a twentieth of them; the level's, or all, are taken.
ENOUGH: Final = 400

_SOFTENING: Final = np.float32(0.25)


class Intervals(BaseModel):
    """Widths of the intervals, in units of the forecast's softened square root.

    Attributes:
        coverage: How often the truth shall lie inside.
        low: By level and day ahead: the lower end's distance, negative below the forecast.
        high: The upper end's distance, likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    coverage: float = Field(gt=0, lt=1)
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]

    @classmethod
    def calibrate(
        cls, expected: Floats, truth: Floats, days: npt.NDArray[np.int64], *, coverage: float
    ) -> "Intervals":
        """Find the widths that would have covered.

        Args:
            expected: Forecasts of hours that training has not seen.
            truth: What happened.
            days: How many days ahead each forecast looked, from 1.
            coverage: How often the truth shall lie inside.
        """
        scores = (truth - expected) / _scale(expected)
        levels = level_of(expected)
        low = np.empty((len(LEVELS) + 1, DAYS))
        high = np.empty_like(low)
        for level in range(len(LEVELS) + 1):
            for day in range(DAYS):
                chosen = scores[(levels == level) & (days == day + 1)]
                if len(chosen) < ENOUGH:
                    chosen = scores[levels == level]
                if len(chosen) < ENOUGH:
                    # The nearest levels that have happened often enough together.
                    chosen = _nearest(scores, levels, level)
                low[level, day], high[level, day] = _ends(chosen, coverage)
        return cls(
            coverage=coverage,
            low=tuple(map(tuple, low.tolist())),
            high=tuple(map(tuple, high.tolist())),
        )

    def around(self, expected: Floats, days: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """The ends of the intervals: never below zero, and the forecast lies between them.

        Args:
            expected: Forecasts.
            days: How many days ahead each looks, from 1; of a shape that broadcasts.
        """
        levels, place = level_of(expected), np.clip(days, 1, DAYS) - 1
        scale = _scale(expected)
        low = np.asarray(self.low, dtype=np.float32)[levels, place]
        high = np.asarray(self.high, dtype=np.float32)[levels, place]
        lower = np.maximum(np.minimum(expected, expected + low * scale), np.float32(0))
        return lower, np.maximum(expected, expected + high * scale)


def level_of(expected: Floats) -> npt.NDArray[np.int64]:
    """The level of demand that a forecast belongs to."""
    ends = np.asarray(LEVELS, dtype=np.float32)
    return np.asarray(np.searchsorted(ends, expected, side="right"), dtype=np.int64)


def _scale(expected: Floats) -> Floats:
    return np.asarray(np.sqrt(expected + _SOFTENING), dtype=np.float32)


def _ends(scores: Floats, coverage: float) -> tuple[float, float]:
    if not len(scores):
        return -2.0, 2.0
    # The finite-sample correction of split conformal prediction, at each end for its half.
    tail = (1 - coverage) / 2
    outside = np.floor((len(scores) + 1) * tail)
    ranked = np.sort(scores)
    first = int(max(outside - 1, 0))
    return float(ranked[first]), float(ranked[len(ranked) - 1 - first])


def _nearest(scores: Floats, levels: npt.NDArray[np.int64], level: int) -> Floats:
    for reach in range(1, len(LEVELS) + 1):
        chosen = scores[np.abs(levels - level) <= reach]
        if len(chosen) >= ENOUGH:
            return np.asarray(chosen)
    return scores
