"""Features of the forecast, from the history before its origin only.

A forecast begins at its *origin*, the first hour that is not known, and goes up to a week ahead. It
uses the window of the eight weeks before the origin. In every week of the window, slot ``h`` has
the clock hour and weekday of the ``h``-th hour ahead, so that a lag of whole weeks is never later
than the origin, at any horizon.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from chicagotaxi.clock import DAY, HOUR, WEEK, clock_hour, day_of_week
from chicagotaxi.forecast.holiday_kinds import holiday_kind
from chicagotaxi.history.panel import Float32Array, Panel

HORIZON: Final = WEEK
WEEKS: Final = 8
WINDOW: Final = WEEKS * WEEK

FEATURES: Final = (
    "area",
    "hour",
    "day_of_week",
    "day_ahead",
    "holiday",
    "holiday_a_week_ago",
    "holidays_in_4_weeks",
    "weeks_known",
    "log_base",
    "lag_1_week",
    "lag_2_weeks",
    "lag_3_weeks",
    "lag_4_weeks",
    "clock_hour_last_7_days",
    "spread_of_weeks",
    "level_of_area",
    "area_last_day",
    "area_last_week",
    "area_last_4_weeks",
    "city_last_day",
    "city_last_week",
)
CATEGORICAL: Final = ("area",)

# The base weights recent weeks more, and includes a part of the neighbouring hours.
_FADE: Final = np.float32(0.85)
_NEIGHBOUR: Final = np.float32(0.2)
# Added to both counts of a ratio, so that ratios of quiet areas are not extreme.
_SOFTENING: Final = np.float32(0.5)
_LEAST_BASE: Final = np.float32(0.02)
# The base of an area without any known hour.
_BLIND_BASE: Final = np.float32(0.1)

_EACH_WEEK: Final = np.ones(WEEKS, dtype=np.float32)
_ZERO: Final = np.float32(0)
_UNKNOWN: Final = np.float32(np.nan)


@dataclass(frozen=True)
class Window:
    """The eight weeks before an origin.

    Attributes:
        origin: The first hour that is not known.
        weeks: 8 x 168 x areas, float32, the latest week last; NaN where trips are unknown.
    """

    origin: np.datetime64
    weeks: Float32Array


def look_back(panel: Panel, origin: int) -> Window:
    """The window before a row of a panel; hours before the panel's start are NaN.

    Args:
        panel: The history.
        origin: The row where the forecast begins; at most one past the last.
    """
    known = panel.trips[max(0, origin - WINDOW) : origin]
    weeks = np.full((WINDOW, len(panel.areas)), np.nan, dtype=np.float32)
    if len(known):
        weeks[WINDOW - len(known) :] = known
    return Window(panel.start + origin * HOUR, weeks.reshape(WEEKS, WEEK, -1))


def build(window: Window, areas: Float32Array) -> tuple[Float32Array, Float32Array]:
    """The features of every hour of the week ahead and every area.

    Args:
        window: The history.
        areas: For each column of the window, the area's category; NaN for an unknown one.

    Returns:
        The features, 168 x areas x `FEATURES`, and the base, 168 x areas: a mean of the past weeks,
        which the model corrects. Both are float32.
    """
    known = np.isfinite(window.weeks)
    past = _Past(np.where(known, window.weeks, _ZERO), known.astype(np.float32))
    hours = window.origin + np.arange(WEEK) * HOUR
    kinds = [holiday_kind(hours - back * WEEK * HOUR) for back in range(5)]
    base = _base(past)
    softened = np.log(base + _SOFTENING)
    with np.errstate(divide="ignore"):
        lags = np.where(known[-4:], np.log(window.weeks[-4:] + _SOFTENING) - softened, _UNKNOWN)
    features = np.empty((len(FEATURES), WEEK, len(areas)), dtype=np.float32)
    for place, column in enumerate(
        (
            areas[None, :],
            _column(clock_hour(hours)),
            _column(day_of_week(hours)),
            _column(np.arange(WEEK) // DAY + 1),
            _column(kinds[0]),
            _column(kinds[1]),
            _column(np.sum([kind == 1 for kind in kinds[1:]], axis=0)),
            past.known.sum(axis=0),
            np.log(base),
            *lags[::-1],
            _clock_hour_change(past),
            _spread(past) / np.sqrt(base + _SOFTENING),
            np.log(_ratio(past.trips.sum(axis=(0, 1)), past.known.sum(axis=(0, 1))) + _SOFTENING),
            _last_day(past),
            _last_weeks(past, 1),
            _last_weeks(past, 4),
            _last_day(past.city),
            _last_weeks(past.city, 1),
        )
    ):
        features[place] = column
    return np.ascontiguousarray(features.transpose(1, 2, 0)), base


@dataclass(frozen=True)
class _Past:
    """A window's trips, zero where unknown, and a mask that is one where they are known."""

    trips: Float32Array
    known: Float32Array

    @property
    def city(self) -> "_Past":
        """All areas together; an hour is known if it is in most of them."""
        known = self.known.mean(axis=2, keepdims=True) > 1 / 2
        total = self.trips.sum(axis=2, keepdims=True)
        return _Past(np.where(known, total, _ZERO), known.astype(np.float32))


def _base(past: _Past) -> Float32Array:
    """A smoothed mean of the past weeks, by clock hour and weekday."""
    weights = np.float32(_FADE) ** np.arange(WEEKS - 1, -1, -1, dtype=np.float32)
    total, weight = sum_over_weeks(weights, past.trips), sum_over_weeks(weights, past.known)
    profile = total / np.maximum(weight, np.float32(1e-6))
    if not weight.all():
        profile = np.where(weight > 0, profile, _usual_day(past))
    # The week is a circle: the neighbour of the first hour is the last one. All of it is before
    # the origin.
    smooth = (1 - 2 * _NEIGHBOUR) * profile
    smooth += _NEIGHBOUR * (np.roll(profile, 1, axis=0) + np.roll(profile, -1, axis=0))
    return np.asarray(np.maximum(smooth, _LEAST_BASE), dtype=np.float32)


def _usual_day(past: _Past) -> Float32Array:
    """The mean for an hour of the week that is known in no week.

    It is the mean of the same clock hour of other days; if that is unknown, of the area's other
    hours; and if these are unknown, close to zero.
    """
    day = _by_clock_hour(past)
    level = _ratio(past.trips.sum(axis=(0, 1)), past.known.sum(axis=(0, 1)))
    usual = np.where(np.isfinite(day), day, np.where(np.isfinite(level), level, _BLIND_BASE))
    return np.tile(usual, (WEEK // DAY, 1))


def _by_clock_hour(past: _Past) -> Float32Array:
    """The mean of each clock hour over all days, where known."""
    return _ratio(
        *(
            values.reshape(-1, DAY, values.shape[2]).sum(axis=0)
            for values in (past.trips, past.known)
        )
    )


def _clock_hour_change(past: _Past) -> Float32Array:
    """Change of each clock hour in the last seven days, compared with the seven weeks before."""
    last, before = (
        _by_clock_hour(_Past(past.trips[part], past.known[part]))
        for part in (slice(-1, None), slice(None, -1))
    )
    change = np.log(last + _SOFTENING) - np.log(before + _SOFTENING)
    return np.tile(change, (WEEK // DAY, 1))


def _spread(past: _Past) -> Float32Array:
    """Mean absolute deviation of the weeks from their mean."""
    counted = sum_over_weeks(_EACH_WEEK, past.known)
    mean = sum_over_weeks(_EACH_WEEK, past.trips) / np.maximum(counted, 1)
    return _ratio(sum_over_weeks(_EACH_WEEK, np.abs(past.trips - mean) * past.known), counted)


def _last_day(past: _Past) -> Float32Array:
    """Change of the last day, compared with the same weekday of the weeks before."""
    return _change(
        past.trips[-1:, -DAY:],
        past.known[-1:, -DAY:],
        past.trips[:-1, -DAY:],
        past.known[:-1, -DAY:],
    )


def _last_weeks(past: _Past, weeks: int) -> Float32Array:
    """Change of the last weeks, compared with those before."""
    return _change(
        past.trips[-weeks:], past.known[-weeks:], past.trips[:-weeks], past.known[:-weeks]
    )


def _change(
    new: Float32Array, new_known: Float32Array, old: Float32Array, old_known: Float32Array
) -> Float32Array:
    """Logarithm of the ratio of new trips to the usual trips of the same hours, by area."""
    times, before = new_known.sum(axis=0), old_known.sum(axis=0)
    # Only hours that are known in both are compared.
    both = np.minimum(times, before) > 0
    was = np.where(both, new.sum(axis=0), _ZERO).sum(axis=0)
    usual = np.where(both, old.sum(axis=0) * times / np.maximum(before, 1), _ZERO).sum(axis=0)
    change = np.log((was + 1) / (usual + 1))
    return np.asarray(np.where(both.any(axis=0), change, _UNKNOWN), dtype=np.float32)


def sum_over_weeks(weights: Float32Array, values: Float32Array) -> Float32Array:
    """A weighted sum over the weeks."""
    # Not a matrix product, whose threads wait for each other when forecasts run in parallel.
    return np.asarray(np.einsum("w,w...->...", weights, values))


def _ratio(total: Float32Array, counted: Float32Array) -> Float32Array:
    """The mean of known values; NaN if there are none."""
    return np.asarray(np.where(counted > 0, total / np.maximum(counted, 1), _UNKNOWN))


def _column(values: npt.NDArray[np.generic]) -> Float32Array:
    return np.asarray(values, dtype=np.float32)[:, None]
