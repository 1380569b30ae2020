"""The files of a sealed model: LightGBM's text format, and the rest as JSON. No pickle.

`load` opens the files of a sealed model (entry point ``modelseal.loaders``); `pack` makes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import lightgbm
import numpy as np
from modelseal import GoldenValue
from pydantic import BaseModel, ConfigDict, JsonValue

from chicagotaxi.city import CITY
from chicagotaxi.clock import DAY, HOUR, is_skipped
from chicagotaxi.forecast.blend import Blend
from chicagotaxi.forecast.features import FEATURES, HORIZON
from chicagotaxi.forecast.intervals import Intervals
from chicagotaxi.forecast.model import ForecastModel, Thresholds
from chicagotaxi.forecast.rows import week_after
from chicagotaxi.forecast.trained_on import TrainedOn
from chicagotaxi.history.panel import Float32Array, Panel

MODEL_NAME: Final = "chicagotaxi"

_BOOSTER: Final = "booster.txt"
_FORECAST: Final = "forecast.json"

# Outputs of a golden input: of the model, and of the rows of a batch.
MODEL_OUTPUTS: Final = ("expected", "lower", "upper")
BATCH_OUTPUTS: Final = ("batch_expected", "batch_lower", "batch_upper")
_COLUMNS: Final = ("predicted_demand", "lower", "upper")

# Every seventh hour of the week ahead: all days, and all clock hours.
_SHOWN: Final = 7
_UNKNOWN: Final = "-"
# Trips after the origin of a golden input. The forecast must not depend on them.
_LATER: Final = 5000.0
# Values for a row that a batch lacks, which agree with no forecast.
_NO_ROW: Final = dict.fromkeys(_COLUMNS, -1.0)


class _City(BaseModel):
    """The city that a model was trained for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    time_zone: str

    def __str__(self) -> str:
        return f"{self.name} ({self.time_zone})"


class _Forecast(BaseModel):
    """Contents of ``forecast.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[str, ...]
    areas: tuple[int, ...]
    intervals: Intervals
    thresholds: Thresholds
    # Models of earlier releases lack these: they have no blend, and their golden sets only have
    # the model's outputs.
    blend: Blend | None = None
    usual_errors: tuple[float, ...] | None = None
    trained_on: TrainedOn | None = None
    outputs: tuple[str, ...] = MODEL_OUTPUTS
    city: _City | None = None


class GoldenInput(BaseModel):
    """A synthetic history before an origin.

    Attributes:
        origin: The first hour to forecast.
        histories: By area, the trips of the hours before the origin as numbers separated by blanks,
            ``-`` where unknown. As one string, so that a manifest stays readable.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    origin: str
    histories: dict[str, str]

    @classmethod
    def of(cls, panel: Panel) -> "GoldenInput":
        """Make an input of a history."""
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
        """The history of the input."""
        columns = [
            [float("nan") if one == _UNKNOWN else float(one) for one in text.split()]
            for text in self.histories.values()
        ]
        trips: Float32Array = np.array(columns, dtype=np.float32).T
        return Panel(
            start=np.datetime64(self.origin, "h") - len(trips) * HOUR,
            areas=tuple(map(int, self.histories)),
            trips=trips,
        )


@dataclass(frozen=True)
class DemandForecaster:
    """An opened model.

    Attributes:
        model: The forecast.
        trained_on: Description of its training data; None in models of earlier releases.
        outputs: Outputs of its golden set.
    """

    model: ForecastModel
    trained_on: TrainedOn | None = None
    outputs: tuple[str, ...] = (*MODEL_OUTPUTS, *BATCH_OUTPUTS)

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Compute the outputs of golden inputs, with the model and with the rows of a batch.

        Returns:
            For each input, every seventh hour of the week ahead, for all of its areas:
            ``expected``, ``lower`` and ``upper`` of the model's forecast, and as ``batch_...``
            those of the rows of a batch. For the batch, the history continues after the origin,
            with trips that the forecast must not use.
        """
        answers: dict[str, list[GoldenValue]] = {name: [] for name in self.outputs}
        for one in inputs:
            panel = GoldenInput.model_validate(one).panel()
            forecast = self.model.predict(panel)
            shown = [
                hour
                for hour in range(0, HORIZON, _SHOWN)
                if not is_skipped(forecast.hours[[hour]])[0]
            ]
            for name in MODEL_OUTPUTS:
                values: Float32Array = getattr(forecast, name)[shown]
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
        """A batch's rows of the week after a history, by hour and area."""
        later = np.full((DAY, len(panel.areas)), _LATER, dtype=np.float32)
        longer = Panel(panel.start, panel.areas, np.concatenate([panel.trips, later]))
        week = week_after(self.model, longer, panel.end, self.trained_on)
        return {
            (row["start"], row["pickup_community_area"]): row
            for row in week.select(["start", "pickup_community_area", *_COLUMNS]).to_pylist()
        }


def pack(forecaster: DemandForecaster) -> dict[str, bytes]:
    """Make the files of a sealed model."""
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
        city=_this_city(),
    )
    return {
        _BOOSTER: model.booster.model_to_string().encode(),
        _FORECAST: forecast.model_dump_json(indent=1).encode(),
    }


def load(files: Mapping[str, bytes]) -> DemandForecaster:
    """Load a forecaster from the files of a sealed model.

    Raises:
        ValueError: The model was trained on other features than these, or for another city.
    """
    forecast = _Forecast.model_validate_json(files[_FORECAST])
    # Golden outputs depend on the city's holidays, but not on its time zone.
    if forecast.city not in (None, _this_city()):
        raise ValueError(
            f"the model was trained for {forecast.city}, and city.py declares {_this_city()}: "
            "train again"
        )
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


def _this_city() -> _City:
    return _City(name=CITY.name, time_zone=CITY.time_zone)
