"""The area's own weekly profile: what past weeks let expect without a model, and how well.

The weighted mean of the weeks of a window is a forecast. How far the last week was from the mean of
those before it says how hard the area is to foresee of late: where that is more than it was when a
model was calibrated, its intervals widen.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from chicagotaxi.forecast.features import Window
from chicagotaxi.history.panel import Floats

# Errors of a count grow with its square root (Poisson), and where demand is high in proportion to
# it: a day of the city moves all hours of an area together.
RELATIVE: Final = 0.25
_SOFTENING: Final = np.float32(0.25)

# A week weighs this much less than the week after it; a third of the weight of a neighbouring hour
# would smear the morning peak, a tenth steadies small counts.
_FADE: Final = np.float32(0.85)
_NEIGHBOUR: Final = np.float32(0.1)

# Hours at one trip or more that all areas together lend to each, so that few hours of one area
# cannot change its intervals much.
_SHARED_HOURS: Final = np.float32(100)
# Fewer such hours in all areas together say nothing.
_ENOUGH_HOURS: Final = 100.0
_LEAST_CHANGE: Final = np.float32(0.5)
_MOST_CHANGE: Final = np.float32(4)

_ZERO: Final = np.float32(0)
_ONE: Final = np.float32(1)
_TINY: Final = np.float32(1e-6)


@dataclass(frozen=True)
class Profile:
    """What a window says without a model.

    Attributes:
        mean: 168 x areas, float32: the weighted mean of the known weeks, in trips per hour, at
            each hour of the week ahead; NaN where no week is known.
        lately: For each area, float32: the mean error of the last week, in units of
            `error_scale`; NaN where the weeks say nothing of it.
    """

    mean: Floats
    lately: Floats


def error_scale(expected: Floats, relative: float = RELATIVE) -> Floats:
    """How far off a forecast usually is, up to a factor that is calibrated.

    Args:
        expected: Trips per hour, float32, of any shape.
        relative: The part of the error that is proportional to demand.

    Returns:
        ``sqrt(expected + 0.25 + (relative * expected)**2)``, float32.
    """
    share = np.float32(relative) * expected
    return np.asarray(np.sqrt(expected + _SOFTENING + share * share), dtype=np.float32)


def recent_profile(window: Window) -> Profile:
    """The profile of a window; unknown hours say nothing."""
    known = np.isfinite(window.weeks)
    counted = known.astype(np.float32)
    trips = np.where(known, window.weeks, _ZERO)
    fades = _FADE ** np.arange(len(trips) - 1, -1, -1, dtype=np.float32)
    total, weight = _over_weeks(fades[1:], trips[:-1]), _over_weeks(fades[1:], counted[:-1])
    squares = _over_weeks(fades[1:] ** 2, counted[:-1])
    lately = _lately(trips[-1], counted[-1], total, weight, squares)
    total, weight = _FADE * total + trips[-1], _FADE * weight + counted[-1]
    mean = np.where(weight > 0, total / np.maximum(weight, _TINY), np.float32(np.nan))
    return Profile(_smooth(mean), lately)


def change(lately: Floats, usual: Floats) -> Floats:
    """How much harder to foresee areas are of late than usual.

    Args:
        lately: The mean error of the last week (`Profile.lately`).
        usual: What that usually is; of a shape that broadcasts.

    Returns:
        The one over the other, 0.5 to 4, float32; 1 where either is not known.
    """
    known = np.isfinite(lately) & np.isfinite(usual) & (usual > 0)
    ratio = np.divide(lately, usual, out=np.ones_like(known, dtype=np.float32), where=known)
    return np.clip(ratio, _LEAST_CHANGE, _MOST_CHANGE)


def _lately(
    trips: Floats, counted: Floats, total: Floats, weight: Floats, squares: Floats
) -> Floats:
    """By area, the last week's mean error against the weeks before it.

    An hour at which less than a trip is expected counts for that part: it says less.
    """
    mean = total / np.maximum(weight, _TINY)
    heard = counted * np.minimum(mean, _ONE)
    # The mean of few weeks is off by itself; without that, longer histories would seem to calm.
    of_mean = squares / np.maximum(weight * weight, _TINY)
    scale = error_scale(mean) * np.sqrt(_ONE + of_mean)
    errors = (np.abs(trips - mean) / scale * heard).sum(axis=0)
    hours = heard.sum(axis=0)
    if hours.sum() < _ENOUGH_HOURS:
        return np.full(hours.shape, np.nan, dtype=np.float32)
    city = errors.sum() / hours.sum()
    return np.asarray((errors + _SHARED_HOURS * city) / (hours + _SHARED_HOURS), dtype=np.float32)


def _over_weeks(weights: Floats, values: Floats) -> Floats:
    """A weighted sum over the weeks."""
    # Not a product of matrices, whose threads wait for each other where forecasts run in parallel.
    return np.asarray(np.einsum("w,w...->...", weights, values))


def _smooth(mean: Floats) -> Floats:
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
