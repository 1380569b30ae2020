"""Forecasts with their intervals, and the truth, for the comparison of a back-test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from chicagotaxi.history.panel import Float32Array

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome:
    """Forecasts and truths of some hours and areas. Flat arrays of one length.

    Attributes:
        truth: Trips that happened, float32.
        dates: The day of each hour, as a number, int64.
        days: How many days ahead each forecast is, from 1, int64.
        columns: The area of each value, as a column of the panel, int64.
        forecasts: Forecasts by forecaster, float32.
        lower: Lower ends of their intervals, likewise.
        upper: Upper ends of their intervals, likewise.
    """

    truth: Float32Array
    dates: npt.NDArray[np.int64]
    days: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    forecasts: Mapping[str, Float32Array]
    lower: Mapping[str, Float32Array]
    upper: Mapping[str, Float32Array]

    def __len__(self) -> int:
        """Number of hours and areas."""
        return len(self.truth)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Outcome":
        """The chosen hours and areas."""
        return _map_arrays(lambda arrays: arrays[0][chosen], [self])


def concatenate(parts: Sequence[T]) -> T:
    """Concatenate the arrays of several dataclasses, at least one, along their first axes.

    Args:
        parts: Dataclasses whose fields are arrays, or mappings from names to arrays.
    """
    return _map_arrays(np.concatenate, parts)


def _map_arrays(function: Callable[[list[Any]], Any], parts: Sequence[T]) -> T:
    results = {}
    for field, first in vars(parts[0]).items():
        values = [getattr(part, field) for part in parts]
        if isinstance(first, Mapping):
            results[field] = {name: function([one[name] for one in values]) for name in first}
        else:
            results[field] = function(values)
    return type(parts[0])(**results)
