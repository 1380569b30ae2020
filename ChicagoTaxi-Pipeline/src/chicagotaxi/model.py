"""The model as sealed bytes: LightGBM's own text, and what goes with it as JSON. No pickle.

`load` is what modelseal calls to open a sealed model (entry point ``modelseal.loaders``); `pack`
makes the files that it reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import lightgbm
import numpy as np
from modelseal import GoldenValue
from pydantic import BaseModel, ConfigDict, JsonValue

from chicagotaxi.blend import Blend
from chicagotaxi.calendar import DAY, HOUR, exists
from chicagotaxi.features import FEATURES, HORIZON
from chicagotaxi.forecast import ForecastModel, Thresholds
from chicagotaxi.intervals import Intervals
from chicagotaxi.panel import Floats, Panel
from chicagotaxi.tables import week_after
from chicagotaxi.trained_on import TrainedOn

__all__ = [
    "BATCH_OUTPUTS",
    "MODEL_NAME",
    "MODEL_OUTPUTS",
    "DemandForecaster",
    "GoldenInput",
    "load",
    "pack",
]

MODEL_NAME: Final = "chicagotaxi"

_BOOSTER: Final = "booster.txt"
_FORECAST: Final = "forecast.json"

# A golden forecast, by the model and by the path that makes batches.
MODEL_OUTPUTS: Final = ("expected", "lower", "upper")
BATCH_OUTPUTS: Final = ("batch_expected", "batch_lower", "batch_upper")
_COLUMNS: Final = ("predicted_demand", "lower", "upper")

# Every seventh hour of the week ahead: all days, and all clock hours but for a shift.
_SHOWN: Final = 7
_UNKNOWN: Final = "-"
# Trips after the origin of a golden forecast; whatever they are, they may not matter.
_LATER: Final = 5000.0
# What a batch that lacks a row answers there: nothing that agrees with any forecast.
_NO_ROW: Final = dict.fromkeys(_COLUMNS, -1.0)


class _Forecast(BaseModel):
    """The form of ``forecast.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[str, ...]
    areas: tuple[int, ...]
    intervals: Intervals
    thresholds: Thresholds
    # Models of earlier releases lack these: their trees count alone, and their golden sets have
    # the model's own outputs alone.
    blend: Blend | None = None
    usual_errors: tuple[float, ...] | None = None
    trained_on: TrainedOn | None = None
    outputs: tuple[str, ...] = MODEL_OUTPUTS


class GoldenInput(BaseModel):
    """A made-up past, and when it ends.

    Attributes:
        origin: The first hour to forecast.
        histories: By area, the trips of the hours before the origin as numbers with blanks in
            between, ``-`` where nothing is known. A string, so that a manifest stays readable.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: str
    histories: dict[str, str]

    @classmethod
    def of(cls, panel: Panel) -> "GoldenInput":
        """The input that holds a history."""
        return cls(
            origin=str(panel.end.astype("datetime64[h]")),
            histories={
                str(area): " ".join(
                    f"{trips:.0f}" if np.isfinite(trips) else _UNKNOWN for trips in column
                )
                for area, column in zip(panel.areas, panel.trips.T, strict=True)
            },
        )

    def panel(self) -> Panel:
        """The history that it holds."""
        columns = [
            [float("nan") if one == _UNKNOWN else float(one) for one in text.split()]
            for text in self.histories.values()
        ]
        trips: Floats = np.array(columns, dtype=np.float32).T
        return Panel(
            start=np.datetime64(self.origin, "h") - len(trips) * HOUR,
            areas=tuple(map(int, self.histories)),
            trips=trips,
        )


@dataclass(frozen=True)
class DemandForecaster:
    """What a sealed model becomes when it is opened.

    Attributes:
        model: The forecast.
        trained_on: What it was trained on; None of models that do not say so.
        outputs: The outputs of its golden set.
    """

    model: ForecastModel
    trained_on: TrainedOn | None = None
    outputs: tuple[str, ...] = (*MODEL_OUTPUTS, *BATCH_OUTPUTS)

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden inputs by the model, and by the path that makes batches.

        Returns:
            For each input, every seventh hour of the week ahead, for all of its areas:
            ``expected``, ``lower`` and ``upper`` of the model's own forecast, and as ``batch_...``
            those of the rows that a batch holds of it. For them the history goes on after the
            origin, with trips that a forecast must not see.
        """
        answers: dict[str, list[GoldenValue]] = {name: [] for name in self.outputs}
        for one in inputs:
            panel = GoldenInput.model_validate(one).panel()
            forecast = self.model.predict(panel)
            shown = [hour for hour in range(0, HORIZON, _SHOWN) if exists(forecast.hours[[hour]])]
            for name in MODEL_OUTPUTS:
                values: Floats = getattr(forecast, name)[shown]
                answers[name].append(tuple(values.reshape(-1).tolist()))
            if set(BATCH_OUTPUTS) <= set(self.outputs):
                rows = self._batch_rows(panel)
                hours = forecast.hours[shown].astype("datetime64[us]").tolist()
                for name, column in zip(BATCH_OUTPUTS, _COLUMNS, strict=True):
                    answers[name].append(
                        tuple(
                            rows.get((hour, area), _NO_ROW)[column]
                            for hour in hours
                            for area in panel.areas
                        )
                    )
        return answers

    def _batch_rows(self, panel: Panel) -> dict[tuple[object, int], dict[str, float]]:
        """The rows of the week after a history, as a batch has them, by hour and area."""
        later = np.full((DAY, len(panel.areas)), _LATER, dtype=np.float32)
        longer = Panel(panel.start, panel.areas, np.concatenate([panel.trips, later]))
        week = week_after(self.model, longer, panel.end, self.trained_on)
        return {
            (row["start"], row["pickup_community_area"]): row
            for row in week.select(["start", "pickup_community_area", *_COLUMNS]).to_pylist()
        }


def pack(forecaster: DemandForecaster) -> dict[str, bytes]:
    """The files of a model to be sealed."""
    model = forecaster.model
    forecast = _Forecast(
        features=FEATURES,
        areas=model.areas,
        intervals=model.intervals,
        thresholds=model.thresholds,
        blend=model.blend,
        usual_errors=model.usual_errors,
        trained_on=forecaster.trained_on,
        outputs=forecaster.outputs,
    )
    return {
        _BOOSTER: model.booster.model_to_string().encode(),
        _FORECAST: forecast.model_dump_json(indent=1).encode(),
    }


def load(files: Mapping[str, bytes]) -> DemandForecaster:
    """Make a forecaster of the files of a sealed model.

    Args:
        files: Verified contents by file name.

    Raises:
        ValueError: The model was trained on other features than these.
    """
    forecast = _Forecast.model_validate_json(files[_FORECAST])
    booster = lightgbm.Booster(model_str=files[_BOOSTER].decode())
    if not forecast.features == tuple(booster.feature_name()) == FEATURES:
        raise ValueError(
            f"the model was trained on the features {', '.join(forecast.features)}, this release "
            f"makes {', '.join(FEATURES)}"
        )
    return DemandForecaster(
        ForecastModel(
            booster,
            forecast.areas,
            forecast.intervals,
            forecast.thresholds,
            forecast.blend,
            forecast.usual_errors,
        ),
        forecast.trained_on,
        forecast.outputs,
    )
