"""The feature matrix: scaled numbers, then one column for each level of a category.

Requests and tables first become *known values*, then features.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from {{ package }}.arrays import Float64Array
from {{ package }}.schema import CATEGORIES, FEATURES, NUMBERS, Record


def _number(value: float | None) -> float:
    return np.nan if value is None else value


_VALUES: Final[tuple[tuple[str, Callable[[Any], float]], ...]] = tuple(
    (name, CATEGORIES[name].index if name in CATEGORIES else _number) for name in FEATURES
)
_NUMBERS: Final = [FEATURES.index(name) for name in NUMBERS]


def known_values(records: Sequence[Record]) -> Float64Array:
    """The known values of records.

    Returns:
        One row for each record, one column for each of `FEATURES`: numbers, positions of levels,
        NaN where a number is unknown.
    """
    values = [[value(getattr(record, name)) for name, value in _VALUES] for record in records]
    return np.array(values, dtype=np.float64).reshape(len(records), len(FEATURES))


def to_records(values: Float64Array) -> list[Record]:
    """The records with these known values: the inverse of `known_values`."""
    return [
        Record.model_validate({name: _input(name, value) for name, value in zip(FEATURES, row, strict=True)})
        for row in values.tolist()
    ]


def _input(name: str, value: float) -> object:
    if name in CATEGORIES:
        return CATEGORIES[name][int(value)]
    if np.isnan(value):
        return None
    return int(value) if NUMBERS[name].whole else value


class Encoder(BaseModel):
    """Turns known values into the feature matrix.

    Attributes:
        medians: Training median of each of `NUMBERS`, which replaces unknown values.
        means: Mean of each of `NUMBERS`.
        scales: Standard deviation of each of `NUMBERS`; 1 where it is 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    medians: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]

    @classmethod
    def fit(cls, values: Float64Array) -> Self:
        """Learn from known values; each number must be known in at least one row."""
        numbers = values[:, _NUMBERS]
        medians = np.nanmedian(numbers, axis=0)
        filled = np.where(np.isnan(numbers), medians, numbers)
        scales = filled.std(axis=0)
        return cls(
            medians=tuple(medians.tolist()),
            means=tuple(filled.mean(axis=0).tolist()),
            scales=tuple(np.where(scales == 0, 1.0, scales).tolist()),
        )

    def transform(self, values: Float64Array) -> Float64Array:
        """The feature matrix of known values."""
        numbers = values[:, _NUMBERS]
        filled = np.where(np.isnan(numbers), self.medians, numbers)
        levels = [
            values[:, FEATURES.index(name), np.newaxis] == np.arange(len(levels))
            for name, levels in CATEGORIES.items()
        ]
        return np.hstack([(filled - self.means) / self.scales, *levels], dtype=np.float64)
