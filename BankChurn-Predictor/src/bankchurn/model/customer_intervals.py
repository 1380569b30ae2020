"""The intervals of the ensemble that a single customer's values are in, without arrays.

For one customer, most of the time of the array functions (`bankchurn.features`, `WarningFinder`) is
the cost of their calls. Here each value is compared as a Python number. The result is the same: the
thresholds are moved so that they compare a value before it is rounded to float32 as they compare it
after that.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from bankchurn.model.fast_ensemble import TreeEnsemble
from bankchurn.model.training_profile import TrainingProfile
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS, Customer

__all__ = ["CustomerIntervals", "before_rounding"]


class _Number(NamedTuple):
    """A numeric feature: its thresholds, and the table's row of its first interval.

    A value from `low` to `high` has no warning. `unknown` is the row of an unknown value, None if
    such a value has a warning.
    """

    name: str
    ends: list[float]
    first: int
    low: float
    high: float
    unknown: int | None


class CustomerIntervals:
    """Finds the intervals of single customers.

    Args:
        ensemble: The stack's trees.
        medians: Training median of each column that may be unknown.
        profile: Profile of the training data; None if answers have no warnings.
    """

    def __init__(
        self,
        ensemble: TreeEnsemble,
        medians: Mapping[str, float],
        profile: TrainingProfile | None,
    ) -> None:
        self._numbers = [_number(name, ensemble, medians, profile) for name in NUMBERS]
        self._categories = [(name, _levels(name, ensemble, profile)) for name in CATEGORIES]

    def of(self, customer: Customer) -> list[int] | None:
        """The intervals of a customer; None if a value is outside the training data.

        Returns:
            Rows of the ensemble's table, one per feature, for `TreeEnsemble.log_odds_of`.
        """
        values = vars(customer)
        intervals: list[int] = []
        for name, levels in self._categories:
            interval = levels.get(values[name])
            if interval is None:
                return None
            intervals.append(interval)
        for name, ends, first, low, high, unknown in self._numbers:
            value = values[name]
            if value is None:
                if unknown is None:
                    return None
                intervals.append(unknown)
            elif low <= value <= high:
                intervals.append(first + bisect_left(ends, value))
            else:
                return None
        return intervals


def before_rounding(end: float) -> float:
    """The largest number that is at most `end` after it is rounded to float32.

    Args:
        end: A number in the range of float32.
    """
    below = np.float32(end)
    if float(below) > end:
        below = np.nextafter(below, np.float32(-np.inf))
    above = np.nextafter(below, np.float32(np.inf))
    middle = (float(below) + float(above)) / 2
    # IEEE 754 rounds a number in the middle to the neighbour whose last bit is 0.
    rounds_down = not int(below.view(np.uint32)) & 1
    return middle if rounds_down else math.nextafter(middle, -math.inf)


def _number(
    name: str, ensemble: TreeEnsemble, medians: Mapping[str, float], profile: TrainingProfile | None
) -> _Number:
    feature = FEATURES.index(name)
    ends = [before_rounding(end) for end in ensemble.upper_ends(feature)]
    first = ensemble.first_interval(feature)
    low, high, warns = -math.inf, math.inf, False
    if profile is not None:
        low, high = profile.numbers[name].low, profile.numbers[name].high
        warns = not profile.numbers[name].unknown
    unknown = None
    if name in medians and not warns:
        unknown = first + bisect_left(ends, medians[name])
    return _Number(name, ends, first, low, high, unknown)


def _levels(name: str, ensemble: TreeEnsemble, profile: TrainingProfile | None) -> dict[str, int]:
    """The table's row for each level whose answers have no warning."""
    feature = FEATURES.index(name)
    first, ends = ensemble.first_interval(feature), ensemble.upper_ends(feature)
    return {
        level: first + bisect_left(ends, code)
        for code, level in enumerate(CATEGORIES[name])
        if profile is None or profile.levels[name][level]
    }
