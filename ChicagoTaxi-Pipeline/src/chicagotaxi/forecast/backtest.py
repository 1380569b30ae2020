"""Back-test by rolling origin: forecasts from past origins, compared with the truth.

At every origin a model is trained on the history before it, and forecasts the following week.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue
from servicekit.files import DataError
from servicekit.progress import Advance, silent

from chicagotaxi.clock import DAY, WEEK
from chicagotaxi.forecast.backtest_outcome import Outcome, concatenate
from chicagotaxi.forecast.baselines import BASELINES, baselines
from chicagotaxi.forecast.features import HORIZON, look_back
from chicagotaxi.forecast.holiday_kinds import is_holiday
from chicagotaxi.forecast.intervals import Intervals
from chicagotaxi.forecast.metrics import FORECAST, BacktestReport, Comparison, Fold, compare
from chicagotaxi.forecast.model import MIN_HISTORY, ForecastModel, ForecastOptions, fit, fit_steps
from chicagotaxi.forecast.trials import baseline_intervals, days_ahead
from chicagotaxi.forecast.weekly_profile import recent_profile
from chicagotaxi.history.panel import Panel

# Least mean trips per hour, before the first origin, of busy and of middling areas.
GROUPS: Final = (("busy, 10 trips an hour or more", 10.0), ("middling, 1 to 10", 1.0))
QUIET: Final = "quiet, less than 1"


@dataclass(frozen=True)
class BacktestOptions:
    """The origins of a back-test.

    Attributes:
        folds: Number of origins.
        step_days: Days between two origins. The last one is a week before the history's end.
    """

    folds: int = 4
    step_days: int = 7


class Backtest(NamedTuple):
    """A back-test: its report, and the forecasts and truths behind it."""

    report: BacktestReport
    outcome: Outcome


def backtest_steps(options: BacktestOptions) -> int:
    """Number of steps that `backtest` reports."""
    return options.folds * (fit_steps() + 1)


def backtest(
    panel: Panel,
    options: BacktestOptions,
    training: ForecastOptions,
    *,
    data: Mapping[str, JsonValue],
    progress: Advance = silent,
) -> Backtest:
    """Forecast from every origin, and compare with the truth.

    Raises:
        DataError: The history is too short for these origins, or nothing can be compared after
            any of them.
    """
    origins = _origins(panel, options)
    folds, outcomes = [], []
    left_out = (options.folds - len(origins)) * HORIZON * len(panel.areas)
    for number, origin in enumerate(origins, start=1):

        def tell(amount: float = 1, step: str | None = None, number: int = number) -> None:
            progress(amount, f"origin {number} of {len(origins)}: {step}")

        model = fit(panel.until(origin), training, progress=tell)
        tell(step="forecast a week")
        widths = baseline_intervals(panel.until(origin), coverage=training.coverage)
        outcome = _outcome(panel, model, origin, widths)
        left_out += HORIZON * len(panel.areas) - len(outcome)
        outcomes.append(outcome)
        figures = compare("fold", outcome, areas=len(panel.areas), interval=training.coverage)
        folds.append(
            Fold(
                origin=str(panel.hours[origin].astype("datetime64[m]")),
                trained_hours=origin,
                cells=figures.cells,
                mae={name: errors.mae for name, errors in figures.errors.items()},
                coverage=figures.coverage,
            )
        )
    everything = concatenate(outcomes)
    groups = {
        name: (chosen, len(members))
        for name, members in groups_by_level(panel.until(origins[0])).items()
        if (chosen := np.isin(everything.columns, members)).any()
    }
    ahead_of = {day: everything.days == day for day in np.unique(everything.days).tolist()}
    interval = training.coverage

    def compared(name: str, chosen: npt.NDArray[np.bool_], areas: int) -> Comparison:
        return compare(name, everything.where(chosen), areas=areas, interval=interval)

    report = BacktestReport(
        data=dict(data),
        options=training.model_dump(),
        interval=interval,
        horizon_hours=HORIZON,
        left_out=left_out,
        overall=compare("all areas", everything, areas=len(panel.areas), interval=interval),
        groups=[compared(name, *group) for name, group in groups.items()],
        days_ahead=[
            compared(f"day {day}", chosen, len(panel.areas)) for day, chosen in ahead_of.items()
        ],
        groups_ahead=[
            [
                compared(f"{name}: day {day}", chosen & of_group, areas)
                for day, chosen in ahead_of.items()
                if (chosen & of_group).any()
            ]
            for name, (of_group, areas) in groups.items()
        ],
        folds=folds,
    )
    return Backtest(report, everything)


def describe(panel: Panel, about: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Describe a history for the record."""
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
    comparable = [origin for origin in origins if _comparable(panel, origin).any()]
    if not comparable:
        weeks = ", ".join(str(panel.hours[origin].astype("datetime64[D]")) for origin in origins)
        raise DataError(
            f"Nothing can be compared in the weeks from {weeks}: no hour of them is known that is "
            "also known a week earlier. Give other folds, or run `etl` on the trips of these weeks."
        )
    return comparable


def _comparable(panel: Panel, origin: int) -> npt.NDArray[np.bool_]:
    """Whether hours and areas of the week after an origin are known, and have every baseline.

    All forecasters are compared on the same hours and areas.
    """
    known: npt.NDArray[np.bool_] = np.isfinite(panel.trips[origin : origin + HORIZON])
    for forecast in baselines(look_back(panel, origin)).values():
        known &= np.isfinite(forecast)
    return known


def _outcome(
    panel: Panel, model: ForecastModel, origin: int, widths: Mapping[str, Intervals]
) -> Outcome:
    forecast = model.predict(panel, origin)
    truth = panel.trips[origin : origin + HORIZON]
    window = look_back(panel, origin)
    forecasts = {FORECAST: forecast.expected, **baselines(window)}
    known = _comparable(panel, origin)
    change = model.change(recent_profile(window), panel.areas)
    lower, upper = {FORECAST: forecast.lower[known]}, {FORECAST: forecast.upper[known]}
    for name in BASELINES:
        ends = widths[name].around(
            forecasts[name], days_ahead()[:, None], change, is_holiday(forecast.hours)[:, None]
        )
        lower[name], upper[name] = (end[known] for end in ends)
    hours, columns = np.nonzero(known)
    return Outcome(
        truth=truth[known],
        dates=forecast.hours.astype("datetime64[D]").astype(np.int64)[hours],
        days=hours // DAY + 1,
        columns=columns,
        forecasts={name: values[known] for name, values in forecasts.items()},
        lower=lower,
        upper=upper,
    )


def groups_by_level(before: Panel) -> dict[str, npt.NDArray[np.int64]]:
    """The columns of the areas of each group, by mean trips per hour in a history."""
    known = np.isfinite(before.trips)
    level = np.where(known, before.trips, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    found: dict[str, npt.NDArray[np.int64]] = {}
    above = np.inf
    for name, least in (*GROUPS, (QUIET, -1.0)):
        found[name] = np.flatnonzero((level >= least) & (level < above))
        above = least
    return found
