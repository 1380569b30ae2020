"""Blends the model with the area's own weekly profile, with a weight for each day ahead.

The information of the last days fades: seven tenths of a deviation of the city's trips from a
four-week mean carry over to the next day, and so on (least absolute deviations on the City's daily
counts of 2013 to 2017: 0.70, 0.44, 0.30, 0.22, 0.14, 0.08 and 0.06 for one to seven days). Model
and profile are averaged by their logarithms. The weights start at these shares and are corrected by
the best weights on forecasts of the past. Combinations with shrunk weights mostly beat both the
single forecasts and freely estimated weights (Bates and Granger 1969; Stock and Watson 2004).
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from chicagotaxi.history.panel import Float32Array

DAYS: Final = 7
PRIOR: Final = tuple(0.7**day for day in range(1, DAYS + 1))

# A weight that differs from its prior by 1 must lower the error by this share, divided by the
# number of days on which it was observed.
_STIFFNESS: Final = 3.0
_WEIGHTS: Final = np.linspace(0, 1, 11)
# Added before logarithms are taken, so that zero trips have a finite one.
_SOFTENING: Final = np.float32(0.25)


class Blend(BaseModel):
    """Weights of the model in the blend.

    Attributes:
        weights: For 1 to 7 days ahead, the model's weight, 0 to 1; the profile has the rest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: tuple[float, ...] = Field(min_length=DAYS, max_length=DAYS)

    @classmethod
    def learn(
        cls,
        model: Float32Array,
        profile: Float32Array,
        truth: Float32Array,
        days: npt.NDArray[np.int64],
        dates: npt.NDArray[np.int64],
    ) -> "Blend":
        """Find the weights with the least absolute error, shrunk to the prior and to each other.

        Args:
            model: The trees' forecasts of hours that they were not trained on, flat, float32.
            profile: The profile's forecasts; hours where it is NaN are left out.
            truth: Trips that happened.
            days: How many days ahead each forecast is, from 1.
            dates: The day of each hour, as a number.
        """
        usable = np.isfinite(profile)
        seen = np.array([len(np.unique(dates[usable & (days == day + 1)])) for day in range(DAYS)])
        logs = _logs(model[usable]), _logs(profile[usable])
        losses = np.zeros((DAYS, len(_WEIGHTS)))
        place = days[usable] - 1
        counted = np.maximum(np.bincount(place, minlength=DAYS), 1)
        for column, weight in enumerate(_WEIGHTS):
            off = np.abs(_pooled(*logs, np.float32(weight)) - truth[usable])
            losses[:, column] = np.bincount(place, weights=off, minlength=DAYS) / counted
        # The mean over all days ahead also informs each.
        losses += losses.mean(axis=0)
        least = losses.min(axis=1, keepdims=True)
        worse = np.divide(losses, least, out=np.ones_like(losses), where=least > 0)
        stiff = _STIFFNESS / np.maximum(seen, 1)[:, None]
        objective = worse + stiff * (_WEIGHTS - np.array(PRIOR)[:, None]) ** 2
        return cls(weights=tuple(_WEIGHTS[objective.argmin(axis=1)].tolist()))

    def combine(
        self, model: Float32Array, profile: Float32Array, days: npt.NDArray[np.int64]
    ) -> Float32Array:
        """The blended forecast.

        Args:
            model: The trees' forecasts, float32.
            profile: The profile's forecasts; where it is NaN, the result is the model's.
            days: How many days ahead each forecast is, from 1; of a shape that broadcasts.
        """
        weight = np.asarray(self.weights, dtype=np.float32)[days - 1]
        blended = _pooled(_logs(model), _logs(profile), weight)
        return np.where(np.isfinite(profile), np.maximum(blended, np.float32(0)), model)


def _logs(values: Float32Array) -> Float32Array:
    return np.asarray(np.log(values + _SOFTENING))


def _pooled(
    model: Float32Array, profile: Float32Array, weight: "Float32Array | np.float32"
) -> Float32Array:
    return np.asarray(np.exp(profile + weight * (model - profile)) - _SOFTENING)
