"""Errors of forecasts and coverage of intervals. The classes define ``backtest.json``."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, JsonValue

from chicagotaxi.forecast.backtest_outcome import Outcome
from chicagotaxi.forecast.baselines import BASELINES, SEASONAL_NAIVE
from chicagotaxi.forecast.standard_error import Sums, standard_error, sums_by_day
from chicagotaxi.history.panel import Float32Array

FORECAST = "forecast"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Errors(_Record):
    """Errors of one forecaster on one set of hours and areas.

    Attributes:
        mae: Mean absolute error, in trips per hour and area.
        rmse: Root of the mean squared error.
        wape: Sum of absolute errors over the sum of trips; null without trips.
        r2: Explained share of the variance; null without variance.
        bias: Mean of forecast minus truth.
    """

    mae: float
    rmse: float
    wape: float | None
    r2: float | None
    bias: float


class IntervalFigures(_Record):
    """Figures of one forecaster's intervals on one set of hours and areas.

    Attributes:
        coverage: Share of truths inside the interval.
        width: Mean width, in trips.
        score: Mean interval score (Gneiting and Raftery 2007), in trips: the width, plus twice the
            distance of a truth outside over the share that may be outside. Lower is better.
    """

    coverage: float
    width: float
    score: float


class Comparison(_Record):
    """The forecast compared with the baselines, on the same hours and areas.

    Attributes:
        name: Name of this set of hours and areas.
        areas: Number of areas.
        cells: Number of pairs of hour and area that were forecast and are known.
        dates: Number of different days.
        trips: Number of trips that happened.
        errors: Errors by forecaster.
        best_baseline: The baseline with the least MAE.
        skill_naive: How much lower the forecast's MAE is than that of the same hour last week: 0.2
            means a fifth lower, a negative number means higher.
        skill_best: The same compared with the best baseline.
        skill_best_error: Its standard error, with days as the sample; null for a single day.
        intervals: By forecaster, each calibrated on that forecaster's own errors.
        coverage_error: Standard error of the forecast's coverage, likewise.
        least_coverage: Share of hours without a trip whose interval begins at zero. Any interval
            that begins there covers them, so that no narrower one would have a lower coverage.
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
        """Share of truths inside the forecast's interval."""
        return self.intervals[FORECAST].coverage


class Fold(_Record):
    """One origin of the backtest.

    Attributes:
        origin: The first hour that was forecast.
        trained_hours: Number of hours that the model was trained on, all before the origin.
        cells: Number of pairs of hour and area that are compared.
        mae: Mean absolute error by forecaster.
        coverage: Coverage of the forecast's interval.
    """

    origin: str
    trained_hours: int
    cells: int
    mae: dict[str, float]
    coverage: float


class BacktestReport(_Record):
    """Results of a back-test by rolling origin, as in ``backtest.json``.

    Attributes:
        format: Version of this format.
        data: Description of the history.
        options: Options of the training.
        interval: Intended share of truths inside the interval.
        horizon_hours: Length of every forecast, in hours.
        left_out: Number of hours and areas that cannot be compared: unknown, or without a baseline.
        overall: All hours and areas.
        groups: By level of demand before the first origin.
        days_ahead: By day ahead.
        groups_ahead: By level of demand, and by day ahead.
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
    """Compare the forecast with the baselines.

    Args:
        name: Name of this set of hours and areas.
        outcome: The forecasts and truths, of at least one hour and area.
        areas: Number of areas.
        interval: Intended share of truths inside an interval.
    """
    errors = {one: measure(outcome.truth, forecast) for one, forecast in outcome.forecasts.items()}
    best = min(BASELINES, key=lambda one: errors[one].mae)
    truth, lower = outcome.truth, outcome.lower[FORECAST]
    sums = sums_by_day(
        outcome.dates,
        np.abs(outcome.forecasts[FORECAST] - truth),
        np.abs(outcome.forecasts[best] - truth),
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
    truth: Float32Array, lower: Float32Array, upper: Float32Array, interval: float
) -> IntervalFigures:
    """The figures of one forecaster's intervals."""
    below, above = np.maximum(lower - truth, 0), np.maximum(truth - upper, 0)
    width = float((upper - lower).mean(dtype=np.float64))
    outside = float((below + above).mean(dtype=np.float64))
    return IntervalFigures(
        coverage=float(((below == 0) & (above == 0)).mean()),
        width=width,
        score=width + 2 / (1 - interval) * outside,
    )


def measure(truth: Float32Array, forecast: Float32Array) -> Errors:
    """The errors of one forecaster."""
    happened = truth.astype(np.float64)
    off = forecast.astype(np.float64) - happened
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
    # Without any error of the baseline, there is no skill to be had.
    return 1 - errors[FORECAST].mae / reference if reference else 0.0


def _skill_of_sums(sums: Sums) -> float:
    return float(1 - sums[0] / sums[1]) if sums[1] else 0.0
