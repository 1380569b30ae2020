"""The area's own weekly profile: a forecast without a model, and its recent error.

The weighted mean of the weeks of a window is a forecast. The distance of the last week from the
mean of the weeks before it measures how predictable the area is at present: if it is larger than
when a model was calibrated, the intervals widen.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from chicagotaxi.forecast.features import Window, sum_over_weeks
from chicagotaxi.history.panel import Float32Array

# Errors of a count grow with its square root (Poisson), and with high demand in proportion to it:
# a special day changes all hours of an area together.
RELATIVE: Final = 0.25
_SOFTENING: Final = np.float32(0.25)

# Weight of a week relative to the week after it, and of a neighbouring hour: a third would blur the
# morning peak, a tenth smooths small counts.
_FADE: Final = np.float32(0.85)
_NEIGHBOUR: Final = np.float32(0.1)

# Each area's error is averaged with this many hours of the city's mean error, so that few hours of
# one area cannot change its intervals much.
_SHARED_HOURS: Final = np.float32(100)
# With fewer hours in all areas together, the error is unknown.
_ENOUGH_HOURS: Final = 100.0
_LEAST_CHANGE: Final = np.float32(0.5)
_MOST_CHANGE: Final = np.float32(4)

_ZERO: Final = np.float32(0)
_ONE: Final = np.float32(1)
_TINY: Final = np.float32(1e-6)


@dataclass(frozen=True)
class Profile:
    """The profile of a window.

    Attributes:
        mean: 168 x areas, float32: weighted mean of the known weeks for each hour of the week
            ahead, in trips per hour; NaN where no week is known.
        lately: For each area, float32: mean error of the last week, in units of `error_scale`; NaN
            if it is unknown.
    """

    mean: Float32Array
    lately: Float32Array


def error_scale(expected: Float32Array, relative: float = RELATIVE) -> Float32Array:
    """The usual error of a forecast, up to a factor that is calibrated.

    Returns:
        ``sqrt(expected + 0.25 + (relative * expected)**2)``, float32.
    """
    share = np.float32(relative) * expected
    return np.asarray(np.sqrt(expected + _SOFTENING + share * share), dtype=np.float32)


def recent_profile(window: Window) -> Profile:
    """The profile of a window; unknown hours are left out."""
    known = np.isfinite(window.weeks)
    counted = known.astype(np.float32)
    trips = np.where(known, window.weeks, _ZERO)
    fades = _FADE ** np.arange(len(trips) - 1, -1, -1, dtype=np.float32)
    total, weight = sum_over_weeks(fades[1:], trips[:-1]), sum_over_weeks(fades[1:], counted[:-1])
    squares = sum_over_weeks(fades[1:] ** 2, counted[:-1])
    lately = _lately(trips[-1], counted[-1], total, weight, squares)
    total, weight = _FADE * total + trips[-1], _FADE * weight + counted[-1]
    mean = np.where(weight > 0, total / np.maximum(weight, _TINY), np.float32(np.nan))
    return Profile(_smooth(mean), lately)


def change(lately: Float32Array, usual: Float32Array) -> Float32Array:
    """Ratio of the recent error of areas to their usual error.

    Returns:
        The ratio, 0.5 to 4, float32; 1 where either is unknown.
    """
    known = np.isfinite(lately) & np.isfinite(usual) & (usual > 0)
    ratio = np.divide(lately, usual, out=np.ones_like(known, dtype=np.float32), where=known)
    return np.clip(ratio, _LEAST_CHANGE, _MOST_CHANGE)


def _lately(
    trips: Float32Array,
    counted: Float32Array,
    total: Float32Array,
    weight: Float32Array,
    squares: Float32Array,
) -> Float32Array:
    """By area, the last week's mean error compared with the weeks before it.

    An hour with less than one expected trip is weighted by its expected trips.
    """
    mean = total / np.maximum(weight, _TINY)
    heard = counted * np.minimum(mean, _ONE)
    # The mean of few weeks has an error of its own. Otherwise longer histories would seem calmer.
    of_mean = squares / np.maximum(weight * weight, _TINY)
    scale = error_scale(mean) * np.sqrt(_ONE + of_mean)
    errors = (np.abs(trips - mean) / scale * heard).sum(axis=0)
    hours = heard.sum(axis=0)
    if hours.sum() < _ENOUGH_HOURS:
        return np.full(hours.shape, np.nan, dtype=np.float32)
    city = errors.sum() / hours.sum()
    return np.asarray((errors + _SHARED_HOURS * city) / (hours + _SHARED_HOURS), dtype=np.float32)


def _smooth(mean: Float32Array) -> Float32Array:
    """Each hour smoothed with its two neighbours; unknown neighbours are left out.

    The week is a circle, all of which lies before the origin.
    """
    known = np.isfinite(mean)
    if known.all():
        around = np.roll(mean, 1, axis=0) + np.roll(mean, -1, axis=0)
        return np.asarray((_ONE - 2 * _NEIGHBOUR) * mean + _NEIGHBOUR * around)
    values, weight = np.where(known, mean, _ZERO), known.astype(np.float32)
    smooth, counted = (
        (_ONE - 2 * _NEIGHBOUR) * one
        + _NEIGHBOUR * (np.roll(one, 1, axis=0) + np.roll(one, -1, axis=0))
        for one in (values, weight)
    )
    return np.where(known, smooth / np.maximum(counted, _TINY), np.float32(np.nan))
