"""How far forecasts are from what happened. The classes are the form of ``backtest.json``."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, JsonValue

from chicagotaxi.forecast.baselines import BASELINES, SEASONAL_NAIVE
from chicagotaxi.forecast.outcome import Outcome
from chicagotaxi.forecast.standard_error import Sums, standard_error, sums_by_day
from chicagotaxi.history.panel import Floats

FORECAST = "forecast"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Errors(_Record):
    """Figures of one forecaster on one set of hours and areas.

    Attributes:
        mae: Mean absolute error, in trips per hour and area.
        rmse: Root of the mean squared error.
        wape: Absolute errors over trips, both summed; null where there were no trips.
        r2: The share of the variance that is explained; null where there is none.
        bias: Mean of forecast less truth.
    """

    mae: float
    rmse: float
    wape: float | None
    r2: float | None
    bias: float


class IntervalFigures(_Record):
    """Figures of one forecaster's intervals on one set of hours and areas.

    Attributes:
        coverage: How often the truth lay inside.
        width: The mean width, in trips.
        score: The mean interval score (Gneiting and Raftery 2007), in trips: the width, and twice
            the distance of a truth outside over the share that may lie outside. Less is better.
    """

    coverage: float
    width: float
    score: float


class Comparison(_Record):
    """The forecast compared with the baselines, on the same hours and areas.

    Attributes:
        name: Which hours and areas.
        areas: How many areas.
        cells: How many pairs of hour and area were forecast and are known.
        dates: Of how many different days they are.
        trips: What happened there, in all.
        errors: By forecaster.
        best_baseline: The one with the least MAE.
        skill_naive: How much less the forecast's MAE is than that of the same hour last week: 0.2
            means a fifth less, a negative number means more.
        skill_best: The same against the best baseline.
        skill_best_error: Its standard error, with days as what is sampled; null of a single day.
        intervals: By forecaster, each calibrated on that forecaster's own errors.
        coverage_error: The standard error of the forecast's coverage, likewise.
        least_coverage: The share of hours without a trip whose interval begins at zero. Any
            interval that begins there covers them: no narrower one would be right less often.
    """

    name: str
    areas: int
    cells: int
    dates: int
    trips: int
    errors: dict[str, Errors]
    best_baseline: str
    skill_naive: float
    skill_best: float
    skill_best_error: float | None
    intervals: dict[str, IntervalFigures]
    coverage_error: float | None
    least_coverage: float

    @property
    def coverage(self) -> float:
        """How often the truth lay in the forecast's interval."""
        return self.intervals[FORECAST].coverage


class Fold(_Record):
    """One origin of the backtest.

    Attributes:
        origin: The first hour that was forecast.
        trained_hours: How many hours the model had been trained on, all before the origin.
        cells: How many pairs of hour and area are compared.
        mae: By forecaster.
        coverage: Of the forecast's interval.
    """

    origin: str
    trained_hours: int
    cells: int
    mae: dict[str, float]
    coverage: float


class BacktestReport(_Record):
    """``backtest.json``: what a backtest by rolling origin found.

    Attributes:
        format: The version of this form.
        data: What it was done on.
        options: How the models were trained.
        interval: How often the truth shall lie in the interval.
        horizon_hours: How far every forecast looked.
        left_out: Hours and areas that cannot be compared: unknown, or without a baseline.
        overall: Everything.
        groups: By level of demand, as it was before the first origin.
        days_ahead: By how far the forecast looked.
        groups_ahead: By level of demand, and by how far the forecast looked.
        folds: By origin.
    """

    format: Literal[2] = 2
    data: dict[str, JsonValue]
    options: dict[str, JsonValue]
    interval: float
    horizon_hours: int
    left_out: int
    overall: Comparison
    groups: list[Comparison]
    days_ahead: list[Comparison]
    groups_ahead: list[list[Comparison]]
    folds: list[Fold]


def compare(name: str, outcome: Outcome, *, areas: int, interval: float) -> Comparison:
    """The forecast compared with the baselines. There is at least one hour and area.

    Args:
        name: Which hours and areas these are.
        outcome: What was forecast and what happened.
        areas: How many areas.
        interval: How often the truth shall lie in an interval.
    """
    errors = {one: measure(outcome.truth, guess) for one, guess in outcome.guesses.items()}
    best = min(BASELINES, key=lambda one: errors[one].mae)
    truth, lower = outcome.truth, outcome.lower[FORECAST]
    sums = sums_by_day(
        outcome.dates,
        np.abs(outcome.guesses[FORECAST] - truth),
        np.abs(outcome.guesses[best] - truth),
        ((truth >= lower) & (truth <= outcome.upper[FORECAST])).astype(np.float32),
    )
    return Comparison(
        name=name,
        areas=areas,
        cells=len(outcome),
        dates=len(sums),
        trips=int(truth.sum(dtype=np.float64)),
        errors=errors,
        best_baseline=best,
        skill_naive=_skill(errors, SEASONAL_NAIVE),
        skill_best=_skill(errors, best),
        skill_best_error=standard_error(sums, _skill_of_sums),
        intervals={
            one: measure_intervals(truth, outcome.lower[one], outcome.upper[one], interval)
            for one in outcome.lower
        },
        coverage_error=standard_error(sums, lambda of: float(of[2] / of[3])),
        least_coverage=float(((truth == 0) & (lower == 0)).mean()),
    )


def measure_intervals(
    truth: Floats, lower: Floats, upper: Floats, interval: float
) -> IntervalFigures:
    """The figures of one forecaster's intervals.

    Args:
        truth: What happened.
        lower: The lower ends.
        upper: The upper ends.
        interval: How often the truth shall lie inside, above 0 and below 1.
    """
    below, above = np.maximum(lower - truth, 0), np.maximum(truth - upper, 0)
    width = float((upper - lower).mean(dtype=np.float64))
    outside = float((below + above).mean(dtype=np.float64))
    return IntervalFigures(
        coverage=float(((below == 0) & (above == 0)).mean()),
        width=width,
        score=width + 2 / (1 - interval) * outside,
    )


def measure(truth: Floats, guess: Floats) -> Errors:
    """The errors of one forecaster."""
    happened = truth.astype(np.float64)
    off = guess.astype(np.float64) - happened
    total = float(happened.sum())
    variance = float(((happened - happened.mean()) ** 2).sum())
    return Errors(
        mae=float(np.abs(off).mean()),
        rmse=float(np.sqrt((off**2).mean())),
        wape=float(np.abs(off).sum()) / total if total else None,
        r2=1 - float((off**2).sum()) / variance if variance else None,
        bias=float(off.mean()),
    )


def _skill(errors: Mapping[str, Errors], baseline: str) -> float:
    reference = errors[baseline].mae
    # Nobody errs where nothing ever happens; then there is nothing to be better at.
    return 1 - errors[FORECAST].mae / reference if reference else 0.0


def _skill_of_sums(sums: Sums) -> float:
    return float(1 - sums[0] / sums[1]) if sums[1] else 0.0
