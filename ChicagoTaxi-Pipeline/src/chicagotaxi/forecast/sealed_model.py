"""The sealed model of this service, by folder and digest."""

from typing import ClassVar

from servicekit.model_reference import ModelReference

from chicagotaxi.forecast.model import ForecastModel
from chicagotaxi.forecast.model_files import MODEL_NAME, DemandForecaster


class SealedForecast(ModelReference[DemandForecaster]):
    """A sealed model of this service that any process can open."""

    name: ClassVar[str] = MODEL_NAME
    kind: ClassVar[type[DemandForecaster]] = DemandForecaster

    def model(self) -> ForecastModel:
        """The opened model's forecast; raises as `opened` does."""
        return self.predictor().model
