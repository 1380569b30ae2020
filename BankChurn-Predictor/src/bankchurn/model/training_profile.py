"""The profile of a model's training data, and warnings on customers outside it.

Tree ensembles answer values beyond the training range as if they were at its end, and a level
without training rows as its neighbour in the coding; the probability does not show it. The profile
is sealed with the model, and answers to such customers are marked.

A number is marked as soon as it is beyond the training range. No margin is needed: for a customer
from the same population, a column lies outside with probability 2 / (rows + 1) at most, since each
of rows + 1 exchangeable values is equally likely to be the minimum or the maximum. With 8,000
training rows and eight numbers, that is at most one customer in 500.
"""

from collections.abc import Mapping
from typing import Final, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from servicekit.answer_warnings import AnswerWarning

from bankchurn.arrays import BoolArray
from bankchurn.features import Matrix
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS

LEVEL_NOT_IN_TRAINING: Final = "level_not_in_training"
OUTSIDE_TRAINING_RANGE: Final = "outside_training_range"
UNKNOWN_NOT_IN_TRAINING: Final = "unknown_not_in_training"


class ProfileError(ValueError):
    """The model was trained on other inputs than this code defines."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberProfile(_Record):
    """A numeric column of the training data.

    Attributes:
        low: Minimum.
        high: Maximum.
        unknown: Number of rows without a value.
    """

    low: float
    high: float
    unknown: int


class TrainingProfile(_Record):
    """Profile of the rows that a model was fitted on.

    Attributes:
        format: Version of this format.
        rows: Number of rows.
        features: Columns of the feature matrix, in their order.
        numbers: Range of each numeric column.
        levels: For each categorical column, its declared levels in the order of their codes, with
            the number of rows of each.
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
            table: The training rows, with the columns `FEATURES`.
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
        """The declared levels without training rows, by column; complete columns are left out."""
        missing = {
            name: [level for level, count in counts.items() if not count]
            for name, counts in self.levels.items()
        }
        return {name: levels for name, levels in missing.items() if levels}

    def notices(self) -> list[str]:
        """Notices of declared levels, and unknown values, without training rows."""
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
        """Check that the model's inputs are those of `bankchurn.schema`.

        Raises:
            ProfileError: They differ; the message shows both.
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
    """Finds values outside the training data. Made once per model.

    Args:
        profile: Profile of the training data.
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
        """Find the warnings of customers.

        Args:
            values: Known values of customers (`bankchurn.features`), before imputation.

        Returns:
            The warnings by row, in the order of the features; rows without warnings are left out.
        """
        outside = self._outside(values)
        found: dict[int, list[AnswerWarning]] = {}
        if outside.any():
            for row, column in zip(*(ends.tolist() for ends in outside.nonzero()), strict=True):
                warning = self._warning(FEATURES[column], values[row, column])
                found.setdefault(row, []).append(warning)
        return found

    def _outside(self, values: Matrix) -> BoolArray:
        # Comparisons with NaN are false, so unknown values are handled below.
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
                message=f"None of the {self._profile.rows:,} training rows has {name} {level}.",
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
            message=f"{name} {float(str(value)):,.10g} is outside the training range, "
            f"{known.low:,.10g} to {known.high:,.10g}.",
        )
