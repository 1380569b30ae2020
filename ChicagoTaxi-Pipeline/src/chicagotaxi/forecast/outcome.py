"""What a back-test compares: forecasts with their intervals, and what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from chicagotaxi.history.panel import Floats


@dataclass(frozen=True)
class Outcome:
    """Forecasts and truths of some hours and areas, flat and of one length.

    Attributes:
        truth: What happened, float32.
        dates: The day that each hour is of, as a number.
        guesses: Forecasts by forecaster, float32.
        lower: The lower ends of their intervals, likewise.
        upper: The upper ends.
    """

    truth: Floats
    dates: npt.NDArray[np.int64]
    guesses: dict[str, Floats]
    lower: dict[str, Floats]
    upper: dict[str, Floats]

    def __len__(self) -> int:
        """How many hours and areas."""
        return len(self.truth)

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Outcome":
        """Some of them."""
        return Outcome(
            truth=self.truth[chosen],
            dates=self.dates[chosen],
            guesses={name: values[chosen] for name, values in self.guesses.items()},
            lower={name: values[chosen] for name, values in self.lower.items()},
            upper={name: values[chosen] for name, values in self.upper.items()},
        )

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """Several ones as one; there is at least one."""

        def joined(which: str) -> dict[str, Floats]:
            tables: list[dict[str, Floats]] = [getattr(one, which) for one in parts]
            return {name: np.concatenate([one[name] for one in tables]) for name in tables[0]}

        return cls(
            truth=np.concatenate([one.truth for one in parts]),
            dates=np.concatenate([one.dates for one in parts]),
            guesses=joined("guesses"),
            lower=joined("lower"),
            upper=joined("upper"),
        )
