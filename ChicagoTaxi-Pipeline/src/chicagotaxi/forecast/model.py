"""The forecast: one model of counts for all areas, hours and horizons.

Trees (`chicagotaxi.forecast.trees`) are blended with the area's weekly profile
(`chicagotaxi.forecast.blend`). The weights of both and the intervals are learned from weeks that
the trees were not trained on.
"""

from dataclasses import dataclass
from typing import Final

import lightgbm
import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from servicekit.files import DataError
from servicekit.progress import Advance, silent

from chicagotaxi.clock import WEEK, Hours
from chicagotaxi.forecast.backtest_outcome import concatenate
from chicagotaxi.forecast.blend import Blend
from chicagotaxi.forecast.features import HORIZON, Window, look_back
from chicagotaxi.forecast.holiday_kinds import is_holiday
from chicagotaxi.forecast.intervals import Intervals
from chicagotaxi.forecast.trees import fit_booster, forecast_by_trees
from chicagotaxi.forecast.trials import STRETCHES, Trials, days_ahead, stretches, try_out
from chicagotaxi.forecast.weekly_profile import Profile, change, recent_profile
from chicagotaxi.history.panel import Float32Array, Panel

# A model needs two weeks to learn from, after two weeks to look back on.
MIN_HISTORY: Final = 4 * WEEK


class ForecastOptions(BaseModel):
    """Options of the training.

    Attributes:
        seed: Random seed.
        rows: Largest number of rows to train on. If there are more, a sample that prefers busy
            areas is drawn.
        trees: Number of trees.
        coverage: Intended share of truths inside the interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 42
    rows: int = Field(default=200_000, ge=1000)
    trees: int = Field(default=48, ge=1)
    coverage: float = Field(default=0.9, gt=0, lt=1)


class Thresholds(BaseModel):
    """Least trips per hour of the categories of demand, the same for all areas."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    medium: float
    high: float
    very_high: float


@dataclass(frozen=True)
class Forecast:
    """Demand of the hours ahead.

    Attributes:
        hours: The hours.
        areas: Numbers of the areas.
        expected: Expected trips, hours x areas, float32.
        lower: Lower ends of the intervals, likewise.
        upper: Upper ends of the intervals, likewise.
    """

    hours: Hours
    areas: tuple[int, ...]
    expected: Float32Array
    lower: Float32Array
    upper: Float32Array


@dataclass(frozen=True)
class ForecastModel:
    """A trained forecast.

    Attributes:
        booster: The trees.
        areas: Areas that it was trained on.
        intervals: Widths of its intervals.
        thresholds: Categories of demand.
        blend: Weights of the trees in the blend; None in models of earlier releases, which have no
            blend.
        usual_errors: For each of its areas, the mean error of a week when it was calibrated; None
            in models of earlier releases, whose intervals do not follow changes.
    """

    booster: lightgbm.Booster
    areas: tuple[int, ...]
    intervals: Intervals
    thresholds: Thresholds
    blend: Blend | None = None
    usual_errors: tuple[float, ...] | None = None

    def predict(self, panel: Panel, origin: int | None = None) -> Forecast:
        """Forecast the week that begins at an origin."""
        window = look_back(panel, len(panel.trips) if origin is None else origin)
        hours = window.origin + np.arange(HORIZON)
        days = days_ahead()[:, None]
        expected = forecast_by_trees(self.booster, self.areas, window, panel.areas)
        profile = recent_profile(window)
        if self.blend is not None:
            expected = self.blend.combine(expected, profile.mean, days)
        lower, upper = self.intervals.around(
            expected, days, self.change(profile, panel.areas), is_holiday(hours)[:, None]
        )
        return Forecast(hours=hours, areas=panel.areas, expected=expected, lower=lower, upper=upper)

    def change(self, profile: Profile, areas: tuple[int, ...]) -> Float32Array:
        """By area, the ratio of its recent error to its usual error."""
        if self.usual_errors is None:
            return np.ones(len(areas), dtype=np.float32)
        usual = dict(zip(self.areas, self.usual_errors, strict=True))
        mean = float(np.mean(self.usual_errors))
        return change(
            profile.lately, np.array([usual.get(area, mean) for area in areas], dtype=np.float32)
        )


def fit_steps() -> int:
    """Number of steps that `fit` reports."""
    return STRETCHES + 1


def fit(panel: Panel, options: ForecastOptions, *, progress: Advance = silent) -> ForecastModel:
    """Train on a history: first without its end, to measure errors there, then on all of it.

    Raises:
        DataError: The history is too short.
    """
    check_history(panel)
    trials = _try_trees(panel, options, progress)
    model, profile = trials.forecasts["model"], trials.forecasts["profile"]
    blend = Blend.learn(model, profile, trials.truth, trials.days, trials.dates)
    blended = blend.combine(model, profile, trials.days)
    progress(step="train on everything")
    return ForecastModel(
        booster=_fit_trees(panel, options),
        areas=panel.areas,
        intervals=Intervals.calibrate(trials.of(blended), coverage=options.coverage),
        thresholds=_thresholds(panel),
        blend=blend,
        usual_errors=tuple(trials.usual_errors().tolist()),
    )


def check_history(panel: Panel) -> None:
    """Refuse a history with too few known hours to train on.

    Raises:
        DataError: There are too few.
    """
    known = int(panel.known.sum())
    if known < MIN_HISTORY + WEEK:
        raise DataError(
            f"The history has {known} known hours, from {panel.start} on; training needs "
            f"{MIN_HISTORY + WEEK} (five weeks). Run `etl` on more trips."
        )


def _fit_trees(panel: Panel, options: ForecastOptions) -> lightgbm.Booster:
    return fit_booster(panel, seed=options.seed, rows=options.rows, trees=options.trees)


def _try_trees(panel: Panel, options: ForecastOptions, progress: Advance) -> Trials:
    """Forecasts of the recent past, by the profile and by trees trained on what is before it."""
    parts = []
    for number, stretch in enumerate(stretches(panel), start=1):
        progress(step=f"try the model on recent weeks, {number} of {STRETCHES}")
        if not stretch.origins:
            continue
        booster = _fit_trees(panel.until(stretch.begin), options)

        def both(
            window: Window, profile: Profile, booster: lightgbm.Booster = booster
        ) -> dict[str, Float32Array]:
            expected = forecast_by_trees(booster, panel.areas, window, panel.areas)
            return {"model": expected, "profile": profile.mean}

        parts.append(try_out(panel, stretch.origins, both))
    return concatenate(parts)


def _thresholds(panel: Panel) -> Thresholds:
    """Half, a fifth and a twentieth of the hours with any trips are above these."""
    some = panel.trips[panel.trips > 0]
    ends = np.quantile(some, (0.5, 0.8, 0.95)) if len(some) else np.array([1.0, 2.0, 3.0])
    medium, high, very_high = (round(float(end), 3) for end in ends)
    return Thresholds(medium=medium, high=high, very_high=very_high)
