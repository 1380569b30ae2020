"""Predicts a batch with a challenger, too, whose predictions are logged and never served."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from modelseal import OpenedModel
from modelwatch.log import LogSettings
from modelwatch.log.service_log import find_challenger
from modelwatch.shadow import AnswerRows, Rows, answer_batch
from servicekit.answer_warnings import WARNINGS

from chicagotaxi.batch.log_batch import LoggedBatch
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.forecast.rows import week_after
from chicagotaxi.forecast.warnings import read_cell
from chicagotaxi.history.panel import Panel
from chicagotaxi.prediction_log import SCHEMA, features

_TIMEOUT_S: Final = 300.0


class BatchRow(NamedTuple):
    """A row that the challenger predicts.

    Attributes:
        history: The history before the week, the same object for all rows.
        area: Number of the area.
        start: The hour.
    """

    history: Panel
    area: int
    start: datetime


class ShadowPrediction:
    """The challenger's prediction of a row, with the outputs that are logged as attributes."""

    prediction_id = None

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.warnings = read_cell(row[WARNINGS])
        vars(self).update({name: row[name] for name in SCHEMA.outputs})


def predict_in_shadow(
    settings: LogSettings,
    signers: Sequence[str],
    history: Panel,
    logged: LoggedBatch | None,
    warn: Callable[[str], None],
) -> int | None:
    """Have the challenger of the settings predict a batch, in at most five minutes.

    Whatever the challenger does, this raises no error, and the batch stays as it is.

    Args:
        settings: The settings.
        signers: Public keys, of which one must have signed the challenger; empty if none must.
        history: The history that the batch follows.
        logged: The batch; None without a log.
        warn: Called with sentences about what went wrong.

    Returns:
        Number of the challenger's predictions in the log; None without a challenger.
    """
    found = find_challenger(settings, SCHEMA, challenger)
    if found is None or logged is None:
        return None
    named = [
        (name, BatchRow(history, row["pickup_community_area"], row["start"]))
        for name, row in zip(logged.prediction_ids, logged.rows, strict=True)
        if name is not None
    ]
    batch = Rows(logged.time, logged.name, [one[0] for one in named], [one[1] for one in named])
    return answer_batch(
        found._replace(signers=tuple(signers)), batch, timeout_s=_TIMEOUT_S, warn=warn
    )


def challenger(opened: OpenedModel) -> AnswerRows:
    """What predicts rows of a batch in the process of the challenger.

    Raises:
        TypeError: The model is one of another service.
    """
    forecaster = opened.predictor
    if not isinstance(forecaster, DemandForecaster):
        raise TypeError(f"SHADOW_MODEL_DIR holds a model of another service: {type(forecaster)}")
    return _Challenger(forecaster)


class _Challenger:
    def __init__(self, forecaster: DemandForecaster) -> None:
        self._forecaster = forecaster
        self._history: Panel | None = None
        self._week: dict[tuple[int, datetime], tuple[dict[str, object], ShadowPrediction]] = {}

    def __call__(
        self, rows: Sequence[BatchRow]
    ) -> tuple[Sequence[Mapping[str, object]], Sequence[ShadowPrediction]]:
        """The logged features and the prediction of each row."""
        if rows[0].history is not self._history:
            self._predict(rows[0].history)
        found = [self._week[one.area, one.start] for one in rows]
        return [one[0] for one in found], [one[1] for one in found]

    def _predict(self, history: Panel) -> None:
        model, trained_on = self._forecaster.model, self._forecaster.trained_on
        week = week_after(model, history, history.end, trained_on).to_pylist()
        self._week = {
            (row["pickup_community_area"], row["start"]): (of_row, ShadowPrediction(row))
            for row, of_row in zip(week, features(week), strict=True)
        }
        self._history = history
