"""What a model was trained on, and which customers lie outside of it.

The learners are tree ensembles: beyond the least and the greatest value that training had, they
answer as at that value, and a level that training never had gets the answer of its neighbour in
the coding. Nothing in the probability shows that. The profile is sealed with the model, and its
answers to such customers are marked.

A number is outside as soon as it is beyond the training's range. That needs no margin: of a
customer from the same population, a column lies outside with a probability of at most
2 / (rows + 1), since each of rows + 1 exchangeable values is equally likely to be the least or
the greatest. With 8,000 training rows and eight numbers that is at most one customer in 500.
"""

from collections.abc import Mapping
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict
from servicekit.answer_warnings import AnswerWarning

from bankchurn.features import Matrix
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS

__all__ = [
    "LEVEL_NOT_IN_TRAINING",
    "OUTSIDE_TRAINING_RANGE",
    "UNKNOWN_NOT_IN_TRAINING",
    "NumberProfile",
    "ProfileError",
    "TrainingProfile",
    "WarningFinder",
]

LEVEL_NOT_IN_TRAINING: Final = "level_not_in_training"
OUTSIDE_TRAINING_RANGE: Final = "outside_training_range"
UNKNOWN_NOT_IN_TRAINING: Final = "unknown_not_in_training"


class ProfileError(ValueError):
    """The model was trained on other inputs than this code defines."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberProfile(_Record):
    """What training knew of a numeric column.

    Attributes:
        low: The least value.
        high: The greatest value.
        unknown: How many rows had no value.
    """

    low: float
    high: float
    unknown: int


class TrainingProfile(_Record):
    """What the rows were that a model was fitted on.

    Attributes:
        format: The version of this form.
        rows: How many there were.
        features: The columns of the feature matrix, in their order.
        numbers: The range of each numeric column.
        levels: For each categorical column, its declared levels in the order of their codes, with
            the number of rows that had each.
    """

    format: Literal[1] = 1
    rows: int
    features: tuple[str, ...]
    numbers: dict[str, NumberProfile]
    levels: dict[str, dict[str, int]]

    @classmethod
    def of(cls, table: pd.DataFrame) -> Self:
        """Describe a validated table.

        Args:
            table: The rows that a model is fitted on, with the columns `FEATURES`.
        """
        numbers = {
            name: table[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in NUMBERS
        }
        counts = {name: table[name].value_counts() for name in CATEGORIES}
        return cls(
            rows=len(table),
            features=FEATURES,
            numbers={
                name: NumberProfile(
                    low=float(np.nanmin(values)),
                    high=float(np.nanmax(values)),
                    unknown=int(np.isnan(values).sum()),
                )
                for name, values in numbers.items()
            },
            levels={
                name: {level: int(counts[name].get(level, 0)) for level in levels}
                for name, levels in CATEGORIES.items()
            },
        )

    def missing_levels(self) -> dict[str, list[str]]:
        """The declared levels that no training row had, by column; columns without any left out."""
        missing = {
            name: [level for level, count in counts.items() if not count]
            for name, counts in self.levels.items()
        }
        return {name: levels for name, levels in missing.items() if levels}

    def notices(self) -> list[str]:
        """What training must say: the declared levels, and the unknown values, that it lacks."""
        found = [
            f"No training row has {name} {' or '.join(levels)}: answers for such customers are "
            f"guesses, and are marked {LEVEL_NOT_IN_TRAINING}."
            for name, levels in self.missing_levels().items()
        ]
        never = [name for name in self._never_unknown() if NUMBERS[name].nullable]
        if never:
            found.append(
                f"Every training row has a value for {', '.join(never)}: answers for customers "
                f"without one are marked {UNKNOWN_NOT_IN_TRAINING}."
            )
        return found

    def check(self) -> None:
        """Check that the model's inputs are those that this code defines.

        Raises:
            ProfileError: They are not; the message says how they differ.
        """
        declared = {name: list(levels) for name, levels in CATEGORIES.items()}
        trained = {name: list(counts) for name, counts in self.levels.items()}
        if (self.features, trained) != (FEATURES, declared):
            raise ProfileError(
                f"The model was trained on the inputs {', '.join(self.features)} with the levels "
                f"{trained}; bankchurn.schema defines {', '.join(FEATURES)} with {declared}. "
                "Train the model again, or serve it with the code that trained it."
            )

    def _never_unknown(self) -> list[str]:
        return [name for name, number in self.numbers.items() if not number.unknown]


class WarningFinder:
    """Finds what of a customer lies outside of a training. Made once per model.

    Args:
        profile: What the model was trained on.
    """

    def __init__(self, profile: TrainingProfile) -> None:
        self._profile = profile
        low, high = (np.full(len(FEATURES), end, dtype=np.float32) for end in (-np.inf, np.inf))
        for name, number in profile.numbers.items():
            low[FEATURES.index(name)] = number.low
            high[FEATURES.index(name)] = number.high
        self._low, self._high = low, high
        self._unseen = {
            FEATURES.index(name): np.array(
                [CATEGORIES[name].index(level) for level in levels], dtype=np.float32
            )
            for name, levels in profile.missing_levels().items()
        }
        self._always_known = np.array(
            [name in profile.numbers and not profile.numbers[name].unknown for name in FEATURES]
        )

    def find(self, values: Matrix) -> Mapping[int, list[AnswerWarning]]:
        """The warnings of customers.

        Args:
            values: Known values of customers, from `bankchurn.features`, before imputation.

        Returns:
            The warnings by row, in the order of the features; rows without any are left out.
        """
        outside = self._outside(values)
        found: dict[int, list[AnswerWarning]] = {}
        if outside.any():
            for row, column in zip(*(ends.tolist() for ends in outside.nonzero()), strict=True):
                warning = self._warning(FEATURES[column], values[row, column])
                found.setdefault(row, []).append(warning)
        return found

    def _outside(self, values: Matrix) -> npt.NDArray[np.bool_]:
        # Comparisons with NaN are false, so that an unknown value is only outside by itself.
        outside = (values < self._low) | (values > self._high)
        outside |= np.isnan(values) & self._always_known
        for column, codes in self._unseen.items():
            outside[:, column] |= np.isin(values[:, column], codes)
        return np.asarray(outside, dtype=np.bool_)

    def _warning(self, name: str, value: np.float32) -> AnswerWarning:
        if name in CATEGORIES:
            level = CATEGORIES[name][int(value)]
            return AnswerWarning(
                code=LEVEL_NOT_IN_TRAINING,
                field=name,
                message=f"{name} {level} is in none of the {self._profile.rows:,} training rows.",
            )
        known = self._profile.numbers[name]
        if np.isnan(value):
            return AnswerWarning(
                code=UNKNOWN_NOT_IN_TRAINING,
                field=name,
                message=f"{name} is unknown; it is known in all training rows.",
            )
        return AnswerWarning(
            code=OUTSIDE_TRAINING_RANGE,
            field=name,
            # The shortest digits of the float32, so that 83807.86 does not read 83807.859375.
            message=f"{name} {float(str(value)):,.10g} is outside of the training data, which has "
            f"{known.low:,.10g} to {known.high:,.10g}.",
        )
