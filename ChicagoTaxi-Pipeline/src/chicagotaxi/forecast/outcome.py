"""What a back-test compares: forecasts with their intervals, and the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chicagotaxi.history.panel import Float32Array


@dataclass(frozen=True)
class Outcome:
    """Forecasts and truths of some hours and areas, flat and of one length.

    Attributes:
        truth: Trips that happened, float32.
        dates: The day of each hour, as a number.
        forecasts: Forecasts by forecaster, float32.
        lower: Lower ends of their intervals, likewise.
        upper: Upper ends of their intervals, likewise.
    """

    truth: Float32Array
    dates: npt.NDArray[np.int64]
    forecasts: Mapping[str, Float32Array]
    lower: Mapping[str, Float32Array]
    upper: Mapping[str, Float32Array]

    def __len__(self) -> int:
        """Number of hours and areas."""
        return len(self.truth)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Outcome":
        """The chosen hours and areas."""
        return Outcome(
            self.truth[chosen],
            self.dates[chosen],
            *(
                {name: values[chosen] for name, values in by_name.items()}
                for by_name in (self.forecasts, self.lower, self.upper)
            ),
        )


def concatenate(parts: Sequence[Outcome]) -> Outcome:
    """Several outcomes, at least one, as one."""

    def joined(which: str) -> dict[str, Float32Array]:
        tables: list[Mapping[str, Float32Array]] = [getattr(one, which) for one in parts]
        return {name: np.concatenate([one[name] for one in tables]) for name in tables[0]}

    return Outcome(
        np.concatenate([one.truth for one in parts]),
        np.concatenate([one.dates for one in parts]),
        *map(joined, ("forecasts", "lower", "upper")),
    )
