"""The forecast: one LightGBM model of counts for all areas, hours and horizons.

The model learns a factor to put on what the past weeks let expect (`chicagotaxi.features`), with
the Poisson likelihood, and is blended with the area's weekly profile (`chicagotaxi.blend`). How
much of each, and the intervals, come from weeks that its trees were not trained on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import lightgbm
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from servicekit.files import DataError

from chicagotaxi.blend import Blend
from chicagotaxi.calendar import DAY, WEEK, Hours
from chicagotaxi.features import (
    CATEGORICAL,
    FEATURES,
    HORIZON,
    Window,
    build,
    look_back,
)
from chicagotaxi.intervals import Intervals
from chicagotaxi.panel import Floats, Panel
from chicagotaxi.trials import (
    STRETCHES,
    Trials,
    days_ahead,
    is_holiday,
    stretches,
    try_out,
)
from chicagotaxi.weekly_profile import Profile, change, recent_profile

__all__ = [
    "MIN_HISTORY",
    "PARAMETERS",
    "Forecast",
    "ForecastModel",
    "ForecastOptions",
    "Thresholds",
    "fit",
    "fit_booster",
    "fit_steps",
]

# A model needs two weeks to learn from, behind two weeks to look back on.
MIN_HISTORY: Final = 4 * WEEK

PARAMETERS: Final[dict[str, object]] = {
    "objective": "poisson",
    "learning_rate": 0.15,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "cat_smooth": 50.0,
    "max_bin": 127,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
    # Threads of LightGBM wait for each other by spinning: two on a machine that has other work
    # were measured to take twenty times as long as one. The trees are the same.
    "num_threads": 1,
}

Progress = Callable[[str], None]


class ForecastOptions(BaseModel):
    """How to train.

    Attributes:
        seed: Of every random choice.
        rows: The most rows to train on; of more, a sample that prefers busy areas.
        trees: How many.
        coverage: How often the truth shall lie in the interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 42
    rows: int = Field(default=200_000, ge=1000)
    trees: int = Field(default=48, ge=1)
    coverage: float = Field(default=0.9, gt=0, lt=1)


class Thresholds(BaseModel):
    """Least trips per hour of the categories of demand, for all areas alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    medium: float
    high: float
    very_high: float


@dataclass(frozen=True)
class Forecast:
    """Demand of the hours ahead.

    Attributes:
        hours: The hours.
        areas: The areas' numbers.
        expected: Trips to expect, hours x areas.
        lower: The lower ends of the intervals.
        upper: The upper ends.
    """

    hours: Hours
    areas: tuple[int, ...]
    expected: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True)
class ForecastModel:
    """A trained forecast.

    Attributes:
        booster: The trees.
        areas: The areas that it was trained on.
        intervals: The widths of its intervals.
        thresholds: Its categories of demand.
        blend: How much the trees count; None in models of earlier releases, where they count
            alone.
        usual_errors: For each of its areas, how far off last weeks were when it was calibrated;
            None in models of earlier releases, whose intervals do not follow changes.
    """

    booster: lightgbm.Booster
    areas: tuple[int, ...]
    intervals: Intervals
    thresholds: Thresholds
    blend: Blend | None = None
    usual_errors: tuple[float, ...] | None = None

    def predict(self, panel: Panel, origin: int | None = None) -> Forecast:
        """Forecast the week that begins at an origin.

        Args:
            panel: The history; what lies at or after the origin is not looked at.
            origin: The row of the first hour to forecast; the one after the last by default.
        """
        window = look_back(panel, len(panel.trips) if origin is None else origin)
        hours = window.origin + np.arange(HORIZON)
        days = days_ahead()[:, None]
        expected = _expected(self.booster, self.areas, window, panel.areas)
        profile = recent_profile(window)
        if self.blend is not None:
            expected = self.blend.combine(expected, profile.mean, days)
        lower, upper = self.intervals.around(
            expected, days, self.change(profile, panel.areas), is_holiday(hours)[:, None]
        )
        return Forecast(
            hours=hours,
            areas=panel.areas,
            expected=expected,
            lower=lower,
            upper=upper,
        )

    def change(self, profile: Profile, areas: tuple[int, ...]) -> Floats:
        """By area, how much harder to foresee it is of late than when the model was calibrated.

        Args:
            profile: What past weeks say.
            areas: The areas that it is of; one that the model does not know is compared with the
                mean of those that it knows.
        """
        if self.usual_errors is None:
            return np.ones(len(areas), dtype=np.float32)
        usual = dict(zip(self.areas, self.usual_errors, strict=True))
        mean = float(np.mean(self.usual_errors))
        return change(
            profile.lately, np.array([usual.get(area, mean) for area in areas], dtype=np.float32)
        )


def fit_steps() -> int:
    """How often `fit` reports progress."""
    return STRETCHES + 1


def fit(panel: Panel, options: ForecastOptions, *, progress: Progress) -> ForecastModel:
    """Train on a history: first without its end, to see how far off one is there, then on all.

    Raises:
        DataError: The history is too short.
    """
    check_history(panel)
    trials = _try_trees(panel, options, progress)
    model, profile = trials.forecasts["model"], trials.forecasts["profile"]
    blend = Blend.learn(model, profile, trials.truth, trials.days, trials.dates)
    blended = blend.combine(model, profile, trials.days)
    progress("train on everything")
    return ForecastModel(
        booster=fit_booster(panel, options),
        areas=panel.areas,
        intervals=Intervals.calibrate(trials.of(blended), coverage=options.coverage),
        thresholds=_thresholds(panel),
        blend=blend,
        usual_errors=tuple(trials.usual_errors().tolist()),
    )


def check_history(panel: Panel) -> None:
    """Refuse a history of which too little is known to train on, before any work.

    Raises:
        DataError: It is.
    """
    known = int(panel.known.sum())
    if known < MIN_HISTORY + WEEK:
        raise DataError(
            f"The history has {known} known hours, from {panel.start} on; training needs "
            f"{MIN_HISTORY + WEEK} (five weeks). Run `etl` on more trips."
        )


def fit_booster(panel: Panel, options: ForecastOptions) -> lightgbm.Booster:
    """Train the trees on a history, all of it.

    Raises:
        DataError: It has no trips.
    """
    features, base, truth, weight = _training_rows(panel, options)
    if not truth.any():
        raise DataError(
            f"There is no trip between {panel.start} and {panel.end} to learn from. Run `etl` on "
            "more trips."
        )
    data = lightgbm.Dataset(
        features,
        label=truth,
        weight=weight,
        init_score=np.log(base),
        feature_name=list(FEATURES),
        categorical_feature=list(CATEGORICAL),
        free_raw_data=True,
    )
    parameters = PARAMETERS | {"seed": options.seed}
    return lightgbm.train(parameters, data, num_boost_round=options.trees)


def _training_rows(panel: Panel, options: ForecastOptions) -> tuple[Floats, Floats, Floats, Floats]:
    """Features, bases, truths and weights of a sample of all origins, horizons and areas."""
    total = len(panel.trips)
    random = np.random.default_rng(options.seed)
    # Coprime to the day and the week: origins come to every clock hour of every weekday.
    step = max(5, (total // 200) | 1)
    while step % 3 == 0 or step % 7 == 0:
        step += 2
    origins = range(2 * WEEK, total - DAY, step)
    quota = -(-options.rows // len(origins))
    codes = _codes(panel.areas, panel.areas)
    parts: list[tuple[Floats, ...]] = []
    for origin in origins:
        features, base = build(look_back(panel, origin), codes)
        truth = panel.trips[origin : origin + WEEK]
        features, base = features[: len(truth)], base[: len(truth)]
        known = np.flatnonzero(np.isfinite(truth))
        chosen, weight = _sample(known, base.reshape(-1)[known], quota, random)
        parts.append(
            (
                features.reshape(-1, len(FEATURES))[chosen],
                base.reshape(-1)[chosen],
                truth.reshape(-1)[chosen],
                weight,
            )
        )
    features, base, truth, weight = (np.concatenate(part) for part in zip(*parts, strict=True))
    return features, base, truth, weight


def _sample(
    rows: npt.NDArray[np.int64], base: Floats, quota: int, random: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Some rows, busy ones rather than quiet ones, with weights that make up for it."""
    if len(rows) <= quota:
        return rows, np.ones(len(rows), dtype=np.float32)
    chance = np.sqrt(base) + np.float32(0.1)
    chance = np.minimum(chance * (quota / chance.sum()), np.float32(1))
    taken = random.random(len(rows), dtype=np.float32) < chance
    return rows[taken], (1 / chance[taken]).astype(np.float32)


def _try_trees(panel: Panel, options: ForecastOptions, progress: Progress) -> Trials:
    """Forecasts of the recent past by trees that saw only what lay before, and by the profile."""
    parts = []
    for number, stretch in enumerate(stretches(panel), start=1):
        progress(f"try the model on recent weeks, {number} of {STRETCHES}")
        if not stretch.origins:
            continue
        booster = fit_booster(panel.until(stretch.begin), options)

        def both(
            window: Window, profile: Profile, booster: lightgbm.Booster = booster
        ) -> dict[str, Floats]:
            expected = _expected(booster, panel.areas, window, panel.areas)
            return {"model": expected, "profile": profile.mean}

        parts.append(try_out(panel, stretch.origins, both))
    return Trials.together(parts)


def _expected(
    booster: lightgbm.Booster,
    trained_on: tuple[int, ...],
    window: Window,
    areas: tuple[int, ...],
) -> Floats:
    features, base = build(window, _codes(areas, trained_on))
    rows = features.reshape(-1, len(FEATURES))
    factor = np.asarray(booster.predict(rows, raw_score=True, num_threads=1))
    return np.asarray(base * np.exp(factor.reshape(base.shape)), dtype=np.float32)


def _codes(areas: tuple[int, ...], trained_on: tuple[int, ...]) -> Floats:
    """The areas as categories: places in what training knew, NaN for what it did not."""
    places = {area: place for place, area in enumerate(trained_on)}
    return np.array([places.get(area, np.nan) for area in areas], dtype=np.float32)


def _thresholds(panel: Panel) -> Thresholds:
    """Half, a fifth and a twentieth of the hours with any trips lie above these."""
    some = panel.trips[panel.trips > 0]
    ends = np.quantile(some, (0.5, 0.8, 0.95)) if len(some) else np.array([1.0, 2.0, 3.0])
    medium, high, very_high = (round(float(end), 3) for end in ends)
    return Thresholds(medium=medium, high=high, very_high=very_high)
