"""The forecast: one LightGBM model of counts for all areas, hours and horizons.

The model learns a factor to put on what the past weeks let expect (`chicagotaxi.features`), with
the Poisson likelihood. Intervals come from weeks that it was not trained on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import lightgbm
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from servicekit.files import DataError

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
    """

    booster: lightgbm.Booster
    areas: tuple[int, ...]
    intervals: Intervals
    thresholds: Thresholds

    def predict(self, panel: Panel, origin: int | None = None) -> Forecast:
        """Forecast the week that begins at an origin.

        Args:
            panel: The history; what lies at or after the origin is not looked at.
            origin: The row of the first hour to forecast; the one after the last by default.
        """
        window = look_back(panel, len(panel.trips) if origin is None else origin)
        expected = _expected(self.booster, self.areas, window, panel.areas)
        lower, upper = self.intervals.around(expected, _days_ahead()[:, None])
        return Forecast(
            hours=window.origin + np.arange(HORIZON),
            areas=panel.areas,
            expected=expected,
            lower=lower,
            upper=upper,
        )


def fit_steps() -> int:
    """How often `fit` reports progress."""
    return 3


def fit(panel: Panel, options: ForecastOptions, *, progress: Progress) -> ForecastModel:
    """Train on a history: first without its end, to see how far off one is there, then on all.

    Raises:
        DataError: The history is too short.
    """
    total = len(panel.trips)
    check_history(panel)
    kept_back = min(4 * WEEK, (total - MIN_HISTORY) // 2 + WEEK)
    progress("train without the last weeks")
    first = fit_booster(panel.until(total - kept_back), options)
    progress("measure how far off it is there")
    intervals = _calibrate(first, panel, total - kept_back, options)
    progress("train on everything")
    booster = fit_booster(panel, options)
    return ForecastModel(booster, panel.areas, intervals, _thresholds(panel))


def check_history(panel: Panel) -> None:
    """Refuse a history that is too short to train on, before any work.

    Raises:
        DataError: It is.
    """
    known = len(panel.trips)
    if known < MIN_HISTORY + WEEK:
        raise DataError(
            f"The history has {known} hours, from {panel.start} on; training needs "
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


def _calibrate(
    booster: lightgbm.Booster, panel: Panel, begin: int, options: ForecastOptions
) -> Intervals:
    expected, truth, days = [], [], []
    ahead = np.broadcast_to(_days_ahead()[:, None], (WEEK, len(panel.areas)))
    # Eleven hours apart in the clock, so that intervals hold whenever a forecast is made.
    for origin in range(begin, len(panel.trips) - DAY, DAY + 11):
        happened = panel.trips[origin : origin + WEEK]
        window = look_back(panel, origin)
        guess = _expected(booster, panel.areas, window, panel.areas)[: len(happened)]
        known = np.isfinite(happened)
        expected.append(guess[known])
        truth.append(happened[known])
        days.append(ahead[: len(happened)][known])
    return Intervals.calibrate(
        np.concatenate(expected),
        np.concatenate(truth),
        np.concatenate(days),
        coverage=options.coverage,
    )


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


def _days_ahead() -> npt.NDArray[np.int64]:
    return np.arange(HORIZON) // DAY + 1


def _thresholds(panel: Panel) -> Thresholds:
    """Half, a fifth and a twentieth of the hours with any trips lie above these."""
    some = panel.trips[panel.trips > 0]
    ends = np.quantile(some, (0.5, 0.8, 0.95)) if len(some) else np.array([1.0, 2.0, 3.0])
    medium, high, very_high = (round(float(end), 3) for end in ends)
    return Thresholds(medium=medium, high=high, very_high=very_high)
