"""The profile of a model's training data, and warnings on records outside it.

A model answers a value that its training never had like any other, and the probability does not
show it. The profile is sealed with the model, and such answers are marked.
"""

from collections.abc import Mapping
from typing import Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict
from servicekit.answer_warnings import AnswerWarning

from {{ package }}.arrays import BoolArray, Float64Array
from {{ package }}.schema import CATEGORIES, FEATURES, NUMBERS

LEVEL_NOT_IN_TRAINING: Final = "level_not_in_training"
OUTSIDE_TRAINING_RANGE: Final = "outside_training_range"
UNKNOWN_NOT_IN_TRAINING: Final = "unknown_not_in_training"


class ProfileError(ValueError):
    """The model was trained on other inputs than this code defines."""


class _Profile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberProfile(_Profile):
    """A number in the training data: minimum, maximum, and rows without a value."""

    low: float
    high: float
    unknown: int


class TrainingProfile(_Profile):
    """Profile of the rows that a model was fitted on.

    Attributes:
        rows: Number of rows.
        features: The model's inputs, in their order.
        numbers: Range of each number.
        levels: For each category, its declared levels in their order, with the rows of each.
    """

    rows: int
    features: tuple[str, ...]
    numbers: dict[str, NumberProfile]
    levels: dict[str, dict[str, int]]

    @classmethod
    def of(cls, values: Float64Array) -> Self:
        """Describe the known values of training rows."""
        columns = dict(zip(FEATURES, values.T, strict=True))
        return cls(
            rows=len(values),
            features=FEATURES,
            numbers={
                name: NumberProfile(
                    low=float(np.nanmin(columns[name])),
                    high=float(np.nanmax(columns[name])),
                    unknown=int(np.isnan(columns[name]).sum()),
                )
                for name in NUMBERS
            },
            levels={
                name: {
                    level: int((columns[name] == place).sum()) for place, level in enumerate(levels)
                }
                for name, levels in CATEGORIES.items()
            },
        )

    def check(self) -> None:
        """Check that the model's inputs are those of `Record`.

        Raises:
            ProfileError: They differ; the message shows both.
        """
        trained = {name: tuple(levels) for name, levels in self.levels.items()}
        if (self.features, trained) != (FEATURES, CATEGORIES):
            raise ProfileError(
                f"The model was trained on the inputs {', '.join(self.features)} with the levels "
                f"{trained}; schema.py defines {', '.join(FEATURES)} with {CATEGORIES}. "
                "Train the model again, or serve it with the code that trained it."
            )

    def notices(self) -> list[str]:
        """A sentence for each declared level without training rows."""
        return [
            f"No training row has {name} {level}: answers for such records are guesses, and are "
            f"marked {LEVEL_NOT_IN_TRAINING}."
            for name, counts in self.levels.items()
            for level, count in counts.items()
            if not count
        ]

    def find_warnings(self, values: Float64Array) -> Mapping[int, list[AnswerWarning]]:
        """Find the values that the training data does not cover.

        Args:
            values: Known values of records.

        Returns:
            The warnings by row, in the order of the inputs; rows without warnings are left out.
        """
        found: dict[int, list[AnswerWarning]] = {}
        for name, column in zip(FEATURES, values.T, strict=True):
            for row in np.flatnonzero(self._is_outside(name, column)).tolist():
                found.setdefault(row, []).append(self._warning(name, float(column[row])))
        return found

    def _is_outside(self, name: str, column: Float64Array) -> BoolArray:
        if name in CATEGORIES:
            counts = self.levels[name].values()
            return np.isin(column, [place for place, count in enumerate(counts) if not count])
        known = self.numbers[name]
        # Comparisons with NaN are false.
        outside: BoolArray = (column < known.low) | (column > known.high)
        return outside | np.isnan(column) if not known.unknown else outside

    def _warning(self, name: str, value: float) -> AnswerWarning:
        if name in CATEGORIES:
            level = CATEGORIES[name][int(value)]
            code = LEVEL_NOT_IN_TRAINING
            message = f"None of the {self.rows:,} training rows has {name} {level}."
        elif np.isnan(value):
            code = UNKNOWN_NOT_IN_TRAINING
            message = f"{name} is unknown; it is known in all training rows."
        else:
            code, known = OUTSIDE_TRAINING_RANGE, self.numbers[name]
            message = (
                f"{name} {value:,.10g} is outside the training range, {known.low:,.10g} to "
                f"{known.high:,.10g}."
            )
        return AnswerWarning(code=code, field=name, message=message)
