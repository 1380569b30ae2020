"""The model as sealed bytes: LightGBM's own text, and what goes with it as JSON. No pickle.

`load` is what pinproof calls to open a sealed model (entry point ``pinproof.loaders``); `pack`
makes the files that it reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import lightgbm
import numpy as np
from pinproof import GoldenValue
from pydantic import BaseModel, ConfigDict, JsonValue

from chicagotaxi.calendar import HOUR
from chicagotaxi.features import FEATURES, HORIZON
from chicagotaxi.forecast import ForecastModel, Thresholds
from chicagotaxi.intervals import Intervals
from chicagotaxi.panel import Floats, Panel

__all__ = ["MODEL_NAME", "DemandForecaster", "GoldenInput", "load", "pack"]

MODEL_NAME: Final = "chicagotaxi"

_BOOSTER: Final = "booster.txt"
_FORECAST: Final = "forecast.json"

# Every seventh hour of the week ahead: all days, and all clock hours but for a shift.
_SHOWN: Final = 7
_UNKNOWN: Final = "-"


class _Forecast(BaseModel):
    """The form of ``forecast.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: tuple[str, ...]
    areas: tuple[int, ...]
    intervals: Intervals
    thresholds: Thresholds


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
    """

    model: ForecastModel

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden inputs the way a batch is made: from a history to intervals.

        Returns:
            ``expected``, ``lower`` and ``upper``: for each input, every seventh hour of the week
            ahead, for all of its areas.
        """
        answers: dict[str, list[GoldenValue]] = {"expected": [], "lower": [], "upper": []}
        for one in inputs:
            forecast = self.model.predict(GoldenInput.model_validate(one).panel())
            for name, values in answers.items():
                shown: Floats = getattr(forecast, name)[range(0, HORIZON, _SHOWN)]
                values.append(tuple(shown.reshape(-1).tolist()))
        return answers


def pack(model: ForecastModel) -> dict[str, bytes]:
    """The files of a model to be sealed."""
    forecast = _Forecast(
        features=FEATURES,
        areas=model.areas,
        intervals=model.intervals,
        thresholds=model.thresholds,
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
        ForecastModel(booster, forecast.areas, forecast.intervals, forecast.thresholds)
    )
