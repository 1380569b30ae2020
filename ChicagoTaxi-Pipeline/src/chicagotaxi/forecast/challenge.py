"""Splits a history by time for a challenge, and scores the days that were held out.

A day is forecast from its first hour, as a nightly batch forecasts it.
"""

import numpy as np
import numpy.typing as npt
from modelseal import Manifest
from servicekit.challenges import ScoredRows, time_answers
from servicekit.files import DataError

from chicagotaxi.clock import DAY, HOUR, clock_hour
from chicagotaxi.forecast.backtest import groups_by_level
from chicagotaxi.forecast.features import WINDOW
from chicagotaxi.forecast.model import ForecastModel
from chicagotaxi.history.panel import Panel

MOST_DAYS = 28
FEWEST_DAYS = 20


def split_history(panel: Panel, champion: Manifest) -> tuple[Panel, Panel]:
    """Split a history into the hours to train on, and the last days, which a model has not seen.

    Args:
        panel: The history.
        champion: Manifest of the model.

    Returns:
        The hours before the held-out days; and these days, at most `MOST_DAYS`, with the weeks
        before them that a forecast uses.

    Raises:
        DataError: The model does not record the end of its training, or fewer than `FEWEST_DAYS`
            days are later.
    """
    last = _last_hour(champion)
    if last is None:
        raise DataError(
            f"{champion.name} {champion.version} does not record its last hour, so that no hour is "
            "certainly unseen by it. Train it again."
        )
    days = [row for row in _first_hours(panel) if panel.start + row * HOUR > last][-MOST_DAYS:]
    if len(days) < FEWEST_DAYS:
        raise DataError(
            f"{len(days)} complete days are later than {last}, the last hour that {champion.name} "
            f"{champion.version} was trained on; {FEWEST_DAYS} are needed. Give a longer history."
        )
    return panel.until(days[0]), panel.since(max(0, days[0] - WINDOW))


def score_days(
    model: ForecastModel, manifest: Manifest, panel: Panel
) -> tuple[ScoredRows, list[float]]:
    """Forecast each complete day that has the weeks before it that a forecast uses.

    Args:
        model: The model.
        manifest: Its manifest, which records its last hour.
        panel: The history.

    Returns:
        A row for each known hour and area of these days, and the CPU time of each day's forecast in
        microseconds.

    Raises:
        DataError: The history has no such day.
    """
    days = [row for row in _first_hours(panel) if row >= WINDOW]
    if not days:
        raise DataError(
            f"The history has no complete day after its first {WINDOW} hours. Give a longer one."
        )
    last = _last_hour(manifest)
    level = np.empty(len(panel.areas), dtype=object)
    for name, columns in groups_by_level(panel.until(days[0])).items():
        level[columns] = name
    names: list[str] = []
    trained_on: list[bool | None] = []
    outcomes: list[float | str] = []
    blocks: list[str] = []
    groups: list[str] = []
    outputs: dict[str, list[float | str]] = {"demand": [], "lower": [], "upper": []}
    for day in days:
        forecast = model.predict(panel, day)
        truth = panel.trips[day : day + DAY]
        hours, columns = np.nonzero(np.isfinite(truth))
        ends = (forecast.expected, forecast.lower, forecast.upper)
        for name, values in zip(outputs, ends, strict=True):
            outputs[name] += values[hours, columns].astype(float).tolist()
        outcomes += truth[hours, columns].astype(int).tolist()
        clock = panel.hours[day : day + DAY]
        names += [
            f"{clock[hour]}|{panel.areas[column]}"
            for hour, column in zip(hours.tolist(), columns.tolist(), strict=True)
        ]
        seen = None if last is None else bool(clock[0] <= last)
        trained_on += [seen] * len(hours)
        blocks += [str(clock[0].astype("datetime64[D]"))] * len(hours)
        groups += level[columns].tolist()
    rows = ScoredRows(
        rows=names,
        trained_on=trained_on,
        outcomes=outcomes,
        outputs=outputs,
        groups={"areas": groups},
        blocks=blocks,
    )
    return rows, time_answers(lambda number: model.predict(panel, days[number]), len(days))


def _first_hours(panel: Panel) -> list[int]:
    """The rows at which complete days begin, on the city's clock."""
    midnights: npt.NDArray[np.int64] = np.flatnonzero(clock_hour(panel.hours) == 0)
    return [row for row in midnights.tolist() if row + DAY <= len(panel.trips)]


def _last_hour(manifest: Manifest) -> np.datetime64 | None:
    last = manifest.data.get("last_hour")
    return np.datetime64(last, "h") if isinstance(last, str) else None
