"""The backtest: what would have been forecast, had one stood at each origin, beside what happened.

At every origin a model is trained on what was known by then, and forecasts the week that follows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue
from servicekit.files import DataError

from chicagotaxi.baselines import baselines
from chicagotaxi.calendar import DAY, WEEK
from chicagotaxi.features import HORIZON, look_back
from chicagotaxi.forecast import (
    MIN_HISTORY,
    Forecast,
    ForecastOptions,
    Progress,
    fit,
    fit_steps,
)
from chicagotaxi.metrics import (
    FORECAST,
    BacktestReport,
    Comparison,
    Fold,
    Outcome,
    compare,
)
from chicagotaxi.panel import Panel

__all__ = ["BacktestOptions", "backtest", "backtest_steps", "describe"]

# Mean trips per hour, before the first origin, from which an area counts as busy or middling.
GROUPS: Final = (("busy, 10 trips an hour or more", 10.0), ("middling, 1 to 10", 1.0))
QUIET: Final = "quiet, less than 1"


@dataclass(frozen=True)
class BacktestOptions:
    """Which origins.

    Attributes:
        folds: How many.
        step_days: How far apart; the last one is a week before the history's end.
    """

    folds: int = 4
    step_days: int = 7


@dataclass(frozen=True)
class _Ahead:
    """Where a fold's values lie: days ahead, and columns of areas."""

    days: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]


def backtest_steps(options: BacktestOptions) -> int:
    """How often `backtest` reports progress."""
    return options.folds * (fit_steps() + 1)


def backtest(
    panel: Panel,
    options: BacktestOptions,
    training: ForecastOptions,
    *,
    data: Mapping[str, JsonValue],
    progress: Progress,
) -> BacktestReport:
    """Forecast from every origin, and compare.

    Args:
        panel: The history.
        options: Which origins.
        training: How to train at each.
        data: What the history is, for the record.
        progress: Told what begins.

    Raises:
        DataError: The history is too short for these origins.
    """
    origins = _origins(panel, options)
    folds, outcomes, places, left_out = [], [], [], 0
    for number, origin in enumerate(origins, start=1):

        def report(step: str, number: int = number) -> None:
            progress(f"origin {number} of {len(origins)}: {step}")

        model = fit(panel.until(origin), training, progress=report)
        report("forecast a week")
        outcome, ahead, unknown = _outcome(panel, model.predict(panel, origin), origin)
        left_out += unknown
        outcomes.append(outcome)
        places.append(ahead)
        figures = compare("fold", outcome, areas=len(panel.areas))
        folds.append(
            Fold(
                origin=str(panel.hours[origin].astype("datetime64[m]")),
                trained_hours=origin,
                cells=figures.cells,
                mae={name: errors.mae for name, errors in figures.errors.items()},
                coverage=figures.coverage,
            )
        )
    everything = _together(outcomes)
    days = np.concatenate([one.days for one in places])
    columns = np.concatenate([one.columns for one in places])
    return BacktestReport(
        data=dict(data),
        options=training.model_dump(),
        interval=training.coverage,
        horizon_hours=HORIZON,
        left_out=left_out,
        overall=compare("all areas", everything, areas=len(panel.areas)),
        groups=list(_by_group(everything, columns, panel.until(origins[0]))),
        days_ahead=[
            compare(f"day {day}", everything.where(days == day), areas=len(panel.areas))
            for day in np.unique(days).tolist()
        ],
        folds=folds,
    )


def describe(panel: Panel, about: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What a history is, for the record.

    Args:
        panel: The history.
        about: Where it came from, and what was done to it.
    """
    known = np.isfinite(panel.trips)
    return {
        **about,
        "first_hour": str(panel.start.astype("datetime64[m]")),
        "last_hour": str(panel.hours[-1].astype("datetime64[m]")),
        "hours": len(panel.trips),
        "areas": len(panel.areas),
        "trips": int(panel.trips[known].sum(dtype=np.float64)),
        "unknown_values": int((~known).sum()),
    }


def _origins(panel: Panel, options: BacktestOptions) -> list[int]:
    last = len(panel.trips) - HORIZON
    origins = [last - back * options.step_days * DAY for back in range(options.folds)][::-1]
    needed = MIN_HISTORY + WEEK
    if origins[0] < needed:
        raise DataError(
            f"The first of {options.folds} origins, {options.step_days} days apart, has "
            f"{max(origins[0], 0)} hours of history; it needs {needed}. Ask for fewer folds, or "
            "give a longer history."
        )
    return origins


def _outcome(panel: Panel, forecast: Forecast, origin: int) -> tuple[Outcome, _Ahead, int]:
    truth = panel.trips[origin : origin + HORIZON]
    guesses = {FORECAST: forecast.expected, **baselines(look_back(panel, origin))}
    known = np.isfinite(truth)
    for guess in guesses.values():
        # Errors are compared on the same hours or not at all.
        known &= np.isfinite(guess)
    hours, columns = np.nonzero(known)
    outcome = Outcome(
        truth=truth[known],
        guesses={name: guess[known] for name, guess in guesses.items()},
        lower=forecast.lower[known],
        upper=forecast.upper[known],
    )
    return outcome, _Ahead(hours // DAY + 1, columns), int((~known).sum())


def _together(outcomes: list[Outcome]) -> Outcome:
    return Outcome(
        truth=np.concatenate([one.truth for one in outcomes]),
        guesses={
            name: np.concatenate([one.guesses[name] for one in outcomes])
            for name in outcomes[0].guesses
        },
        lower=np.concatenate([one.lower for one in outcomes]),
        upper=np.concatenate([one.upper for one in outcomes]),
    )


def _by_group(
    everything: Outcome, columns: npt.NDArray[np.int64], before: Panel
) -> Iterator[Comparison]:
    known = np.isfinite(before.trips)
    level = np.where(known, before.trips, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    above = np.inf
    for name, least in (*GROUPS, (QUIET, -1.0)):
        members = np.flatnonzero((level >= least) & (level < above))
        above = least
        chosen = np.isin(columns, members)
        if chosen.any():
            yield compare(name, everything.where(chosen), areas=len(members))
