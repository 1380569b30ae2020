"""How far forecasts are from what happened. The classes are the form of ``backtest.json``."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, JsonValue

from chicagotaxi.baselines import BASELINES, SEASONAL_NAIVE
from chicagotaxi.panel import Floats

__all__ = [
    "FORECAST",
    "BacktestReport",
    "Comparison",
    "Errors",
    "Fold",
    "Outcome",
    "compare",
    "measure",
]

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


class Comparison(_Record):
    """The forecast beside the baselines, on the same hours and areas.

    Attributes:
        name: Which hours and areas.
        areas: How many areas.
        cells: How many pairs of hour and area were forecast and are known.
        trips: What happened there, in all.
        errors: By forecaster.
        best_baseline: The one with the least MAE.
        skill_naive: How much less the forecast's MAE is than that of the same hour last week: 0.2
            means a fifth less, a negative number means more.
        skill_best: The same against the best baseline.
        coverage: How often the truth lay in the forecast's interval.
        width: The interval's mean width, in trips.
    """

    name: str
    areas: int
    cells: int
    trips: int
    errors: dict[str, Errors]
    best_baseline: str
    skill_naive: float
    skill_best: float
    coverage: float
    width: float


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
        folds: By origin.
    """

    format: Literal[1] = 1
    data: dict[str, JsonValue]
    options: dict[str, JsonValue]
    interval: float
    horizon_hours: int
    left_out: int
    overall: Comparison
    groups: list[Comparison]
    days_ahead: list[Comparison]
    folds: list[Fold]


class Outcome(_Record):
    """Forecasts and truths of some hours and areas, flat and of one length."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    truth: Floats
    guesses: dict[str, Floats]
    lower: Floats
    upper: Floats

    def __len__(self) -> int:
        """How many hours and areas."""
        return len(self.truth)

    def where(self, chosen: "np.typing.NDArray[np.bool_]") -> "Outcome":
        """Some of them."""
        return Outcome(
            truth=self.truth[chosen],
            guesses={name: values[chosen] for name, values in self.guesses.items()},
            lower=self.lower[chosen],
            upper=self.upper[chosen],
        )


def compare(name: str, outcome: Outcome, *, areas: int) -> Comparison:
    """The forecast beside the baselines. There is at least one hour and area."""
    errors = {one: measure(outcome.truth, guess) for one, guess in outcome.guesses.items()}
    best = min(BASELINES, key=lambda one: errors[one].mae)
    inside = (outcome.truth >= outcome.lower) & (outcome.truth <= outcome.upper)
    return Comparison(
        name=name,
        areas=areas,
        cells=len(outcome),
        trips=int(outcome.truth.sum(dtype=np.float64)),
        errors=errors,
        best_baseline=best,
        skill_naive=_skill(errors, SEASONAL_NAIVE),
        skill_best=_skill(errors, best),
        coverage=float(inside.mean()),
        width=float((outcome.upper - outcome.lower).mean(dtype=np.float64)),
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
