"""Forecasts of the recent past by models that were not trained on it: the calibration data.

The later half of a history, at most its last eight weeks, is divided into stretches. Each is
forecast from origins at all clock hours, by trees that were trained on what is before it. The
calibration follows the history: the next training leaves the oldest weeks out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from servicekit.files import DataError

from chicagotaxi.clock import DAY, WEEK
from chicagotaxi.forecast.backtest_outcome import concatenate
from chicagotaxi.forecast.baselines import baselines
from chicagotaxi.forecast.features import HORIZON, WINDOW, Window, look_back
from chicagotaxi.forecast.holiday_kinds import is_holiday
from chicagotaxi.forecast.intervals import Intervals, Tried
from chicagotaxi.forecast.weekly_profile import Profile, change, recent_profile
from chicagotaxi.history.panel import Float32Array, Panel

STRETCHES: Final = 3
_MOST: Final = 8 * WEEK
_ORIGINS: Final = 28
# With fewer known hours, `predict` would refuse to forecast.
_LEAST_KNOWN: Final = 2 * WEEK

Integers = npt.NDArray[np.int64]
Forecaster = Callable[[Window, Profile], Mapping[str, Float32Array]]


@dataclass(frozen=True)
class Stretch:
    """A part of the recent past.

    Attributes:
        begin: Its first row. Its trees are trained on the rows before.
        origins: Rows in it to forecast from.
    """

    begin: int
    origins: tuple[int, ...]


@dataclass(frozen=True)
class Trials:
    """Forecasts and truths of hours that are not holidays. Flat arrays of one length.

    Attributes:
        forecasts: By forecaster, float32; NaN where it has none.
        truth: Trips that happened, float32.
        days: How many days ahead each forecast is, from 1, int64.
        dates: The day of each hour, as a number, int64.
        columns: The area of each forecast, as a column of the panel, int64.
        recent_errors: `chicagotaxi.forecast.weekly_profile.Profile.lately` of each forecast's
            origin and area, float32.
        lately: The same for all origins x areas, float32.
    """

    forecasts: Mapping[str, Float32Array]
    truth: Float32Array
    days: Integers
    dates: Integers
    columns: Integers
    recent_errors: Float32Array
    lately: Float32Array

    def usual_errors(self) -> Float32Array:
        """By area, the mean of `lately`; the mean of all areas if that of an area is unknown."""
        known = np.isfinite(self.lately)
        total, counted = np.where(known, self.lately, 0).sum(axis=0), known.sum(axis=0)
        mean = total.sum() / max(counted.sum(), 1)
        return np.where(counted > 0, total / np.maximum(counted, 1), mean).astype(np.float32)

    def of(self, expected: Float32Array) -> Tried:
        """Calibration data for intervals around forecasts of these hours, except NaN forecasts."""
        usable = np.isfinite(expected)
        usual = self.usual_errors()[self.columns[usable]]
        return Tried(
            expected[usable],
            self.truth[usable],
            self.days[usable],
            self.dates[usable],
            change(self.recent_errors[usable], usual),
        )


def stretches(panel: Panel) -> list[Stretch]:
    """The stretches of the recent past of a history; unknown hours are not counted.

    Raises:
        DataError: No origin in it has enough known hours before it.
    """
    known = np.flatnonzero(panel.known)
    recent = known[len(known) - min(_MOST, len(known) // 2) :]
    edges = [int(part[0]) for part in np.array_split(recent, STRETCHES)] + [len(panel.trips)]
    step = _coprime_to_the_day((edges[-1] - edges[0]) // _ORIGINS)
    origins = [
        origin
        for origin in range(edges[0], edges[-1] - DAY, step)
        if panel.known[max(0, origin - WINDOW) : origin].sum() >= _LEAST_KNOWN
    ]
    if not origins:
        raise DataError(
            f"Nowhere between {panel.start + edges[0]} and {panel.end} are {_LEAST_KNOWN} hours "
            "(two weeks) of the eight weeks before known. Run `etl` on more trips."
        )
    return [
        Stretch(begin, tuple(origin for origin in origins if begin <= origin < end))
        for begin, end in pairwise(edges)
    ]


def try_out(panel: Panel, origins: Sequence[int], forecaster: Forecaster) -> Trials:
    """Forecast from origins in a history, at least one, and pair the forecasts with the truth."""
    parts = []
    for origin in origins:
        window = look_back(panel, origin)
        profile = recent_profile(window)
        truth = panel.trips[origin : origin + HORIZON]
        hours = panel.hours[origin : origin + HORIZON]
        rows, columns = np.nonzero(np.isfinite(truth) & ~is_holiday(hours)[:, None])
        parts.append(
            Trials(
                {
                    name: values[rows, columns]
                    for name, values in forecaster(window, profile).items()
                },
                truth[rows, columns],
                days_ahead()[rows],
                hours.astype("datetime64[D]").astype(np.int64)[rows],
                columns,
                profile.lately[columns],
                profile.lately[None],
            )
        )
    return concatenate(parts)


def baseline_intervals(panel: Panel, *, coverage: float) -> dict[str, Intervals]:
    """The baselines' own intervals, calibrated in the same way and on the same hours.

    Raises:
        DataError: The history has too few known hours.
    """
    origins = [origin for stretch in stretches(panel) for origin in stretch.origins]
    trials = try_out(panel, origins, lambda window, _profile: baselines(window))
    return {
        name: Intervals.calibrate(trials.of(values), coverage=coverage)
        for name, values in trials.forecasts.items()
    }


def days_ahead() -> npt.NDArray[np.int64]:
    """For each hour of the week ahead, its day, from 1."""
    return np.arange(HORIZON) // DAY + 1


def _coprime_to_the_day(step: int) -> int:
    """A step close to the given one that reaches every clock hour."""
    step = max(step, 5) | 1
    while step % 3 == 0:
        step += 2
    return step
