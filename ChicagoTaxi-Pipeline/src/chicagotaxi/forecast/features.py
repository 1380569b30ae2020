"""What the forecast knows when it is made, and nothing that comes later.

A forecast begins at its *origin*, the first hour that is not known, and looks ahead one hour, two,
and so on up to a week. All it sees of the past is the window of the eight weeks before the
origin. Cut into weeks, the window's slot ``h`` holds, for every week, the clock hour and weekday of
the ``h``-th hour ahead: a lag of whole weeks is never younger than the origin, at any horizon.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from chicagotaxi.clock import DAY, HOUR, WEEK, clock_hour, day_of_week
from chicagotaxi.forecast.holiday_kinds import holiday_kind
from chicagotaxi.history.panel import Floats, Panel

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

# The base weighs recent weeks more, and borrows a little from the neighbouring hours.
_FADE: Final = np.float32(0.85)
_NEIGHBOUR: Final = np.float32(0.2)
# Ratios of counts are taken with this added to both, so that quiet areas do not shout.
_SOFTENING: Final = np.float32(0.5)
_LEAST_BASE: Final = np.float32(0.02)
# What is expected where nothing at all is known of an area.
_BLIND_BASE: Final = np.float32(0.1)

_EACH_WEEK: Final = np.ones(WEEKS, dtype=np.float32)
_ZERO: Final = np.float32(0)
_UNKNOWN: Final = np.float32(np.nan)


@dataclass(frozen=True)
class Window:
    """The eight weeks before an origin.

    Attributes:
        origin: The first hour that is not known.
        weeks: 8 x 168 x areas, the latest week last; NaN where nothing is known.
    """

    origin: np.datetime64
    weeks: Floats


def look_back(panel: Panel, origin: int) -> Window:
    """The window before a row of a panel; what the panel does not reach back to is NaN.

    Args:
        panel: The history.
        origin: The row where the forecast begins; at most one past the last.
    """
    known = panel.trips[max(0, origin - WINDOW) : origin]
    weeks = np.full((WINDOW, len(panel.areas)), np.nan, dtype=np.float32)
    if len(known):
        weeks[WINDOW - len(known) :] = known
    return Window(panel.start + origin * HOUR, weeks.reshape(WEEKS, WEEK, -1))


def build(window: Window, areas: Floats) -> tuple[Floats, Floats]:
    """The features of every hour of the week ahead and every area.

    Args:
        window: What is known.
        areas: For each column of the window, the area's category; NaN for an unknown one.

    Returns:
        The features, 168 x areas x `FEATURES`; and the base, 168 x areas: what the past weeks let
        expect, which the model corrects.
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
    """A window's trips with zeros for what is unknown, and ones where something is known."""

    trips: Floats
    known: Floats

    @property
    def city(self) -> "_Past":
        """All areas together; an hour is known where most of them are."""
        known = self.known.mean(axis=2, keepdims=True) > 1 / 2
        total = self.trips.sum(axis=2, keepdims=True)
        return _Past(np.where(known, total, _ZERO), known.astype(np.float32))


def _base(past: _Past) -> Floats:
    """A smoothed mean of the past weeks, by clock hour and weekday."""
    weights = np.float32(_FADE) ** np.arange(WEEKS - 1, -1, -1, dtype=np.float32)
    total, weight = _over_weeks(weights, past.trips), _over_weeks(weights, past.known)
    profile = total / np.maximum(weight, np.float32(1e-6))
    if not weight.all():
        profile = np.where(weight > 0, profile, _usual_day(past))
    # The hour before the first and the one after the last are of the same past weeks, too: a
    # week is a circle, and all of it lies before the origin.
    smooth = (1 - 2 * _NEIGHBOUR) * profile
    smooth += _NEIGHBOUR * (np.roll(profile, 1, axis=0) + np.roll(profile, -1, axis=0))
    return np.asarray(np.maximum(smooth, _LEAST_BASE), dtype=np.float32)


def _usual_day(past: _Past) -> Floats:
    """What to expect of an hour of the week that is known in no week.

    It is like the same clock hour of other days; where that is not known either, like the area's
    other hours; and where nothing is, next to empty.
    """
    day = _by_clock_hour(past)
    level = _ratio(past.trips.sum(axis=(0, 1)), past.known.sum(axis=(0, 1)))
    usual = np.where(np.isfinite(day), day, np.where(np.isfinite(level), level, _BLIND_BASE))
    return np.tile(usual, (WEEK // DAY, 1))


def _by_clock_hour(past: _Past) -> Floats:
    """The mean of each clock hour over all days of a past, as far as it is known."""
    return _ratio(
        *(
            values.reshape(-1, DAY, values.shape[2]).sum(axis=0)
            for values in (past.trips, past.known)
        )
    )


def _clock_hour_change(past: _Past) -> Floats:
    """How the last seven days were at each clock hour, compared with the seven weeks before."""
    last, before = (
        _by_clock_hour(_Past(past.trips[part], past.known[part]))
        for part in (slice(-1, None), slice(None, -1))
    )
    change = np.log(last + _SOFTENING) - np.log(before + _SOFTENING)
    return np.tile(change, (WEEK // DAY, 1))


def _spread(past: _Past) -> Floats:
    """How far the weeks are from their mean, on average."""
    counted = _over_weeks(_EACH_WEEK, past.known)
    mean = _over_weeks(_EACH_WEEK, past.trips) / np.maximum(counted, 1)
    return _ratio(_over_weeks(_EACH_WEEK, np.abs(past.trips - mean) * past.known), counted)


def _last_day(past: _Past) -> Floats:
    """How the last day was, compared with the same weekday of the weeks before."""
    return _change(
        past.trips[-1:, -DAY:],
        past.known[-1:, -DAY:],
        past.trips[:-1, -DAY:],
        past.known[:-1, -DAY:],
    )


def _last_weeks(past: _Past, weeks: int) -> Floats:
    """How the last weeks were, compared with those before."""
    return _change(
        past.trips[-weeks:], past.known[-weeks:], past.trips[:-weeks], past.known[:-weeks]
    )


def _change(new: Floats, new_known: Floats, old: Floats, old_known: Floats) -> Floats:
    """The logarithm of what was, over what these hours were before; by area."""
    times, before = new_known.sum(axis=0), old_known.sum(axis=0)
    # Only hours that are known on both sides say something.
    both = np.minimum(times, before) > 0
    was = np.where(both, new.sum(axis=0), _ZERO).sum(axis=0)
    usual = np.where(both, old.sum(axis=0) * times / np.maximum(before, 1), _ZERO).sum(axis=0)
    change = np.log((was + 1) / (usual + 1))
    return np.asarray(np.where(both.any(axis=0), change, _UNKNOWN), dtype=np.float32)


def _over_weeks(weights: Floats, values: Floats) -> Floats:
    """A weighted sum over the weeks."""
    # Not a product of matrices, whose threads wait for each other where forecasts run in parallel.
    return np.asarray(np.einsum("w,w...->...", weights, values))


def _ratio(total: Floats, counted: Floats) -> Floats:
    """A mean of what is known; NaN where nothing is."""
    return np.asarray(np.where(counted > 0, total / np.maximum(counted, 1), _UNKNOWN))


def _column(values: npt.NDArray[np.generic]) -> Floats:
    return np.asarray(values, dtype=np.float32)[:, None]
