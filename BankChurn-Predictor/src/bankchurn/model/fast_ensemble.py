"""Fast evaluation of the stack: one bit for each leaf of its trees.

The thresholds of all trees cut each feature's axis into intervals. A table holds one row for each
interval, and in it one bit for each leaf: whether the leaf allows a value in the interval. A
customer selects one row for each feature; the bitwise AND of these rows has one bit set for each
tree, that of the leaf which the customer reaches. The log-odds are a constant plus the values of
these leaves.

That takes six calls of numpy, whatever the number of trees; nothing is compiled when a service
starts. ADR 031 compares it with an interpreter, compiled code and ONNX Runtime.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import StackingClassifier

from bankchurn.arrays import Float64Array
from bankchurn.features import Matrix
from bankchurn.model.leaves import Leaf, read_trees
from bankchurn.schema import FEATURES

# A tree's leaves fill whole bytes, so that a byte has one bit set, or none.
_BITS: Final = 8
_CHOICES: Final = _BITS + 1

# The rows of the table that a block of customers selects fit into a processor's cache.
_BLOCK: Final = 16


class TreeEnsemble:
    """Computes the log-odds of a fitted stack.

    Args:
        stack: The fitted stack of `bankchurn.model.stack`.

    Attributes:
        leaves: The leaf of each bit; None for the bits that fill up a tree's last byte.
    """

    def __init__(self, stack: StackingClassifier) -> None:
        self._base, trees = read_trees(stack)
        self.leaves = _in_whole_bytes(trees)
        self._ends = [_upper_ends(self.leaves, feature) for feature in range(len(FEATURES))]
        self._first = [0, *accumulate(len(ends) + 1 for ends in self._ends)][:-1]
        allowed = [_allowed(self.leaves, feature, ends) for feature, ends in enumerate(self._ends)]
        # uint64 for a faster AND.
        self._allowed = np.concatenate(allowed).view(np.uint64)
        # The values of a byte's leaves, after the 0 of no leaf.
        values = np.zeros((len(self.leaves) // _BITS, _CHOICES), dtype=np.float64)
        values[:, 1:] = np.reshape(
            [leaf.value if leaf else 0.0 for leaf in self.leaves], (-1, _BITS)
        )
        self._values = values.ravel()
        self._starts = np.arange(0, self._values.size, _CHOICES, dtype=np.intp)
        self._choice = np.zeros(2**_BITS, dtype=np.intp)
        self._choice[2 ** np.arange(_BITS)] = np.arange(1, _CHOICES)

    def log_odds(self, matrix: Matrix) -> Float64Array:
        """The stack's log-odds for each row of a feature matrix, on one thread.

        A row gets the same log-odds, bit for bit, alone and among others.
        """
        return self.log_odds_of([self._intervals(row) for row in matrix.tolist()])

    def log_odds_of(self, intervals: Sequence[list[int]]) -> Float64Array:
        """The same from the intervals that customers' values are in.

        Args:
            intervals: At least one customer; for each the rows of the table that the values select
                (`first_interval`), one per feature, in any order.
        """
        if len(intervals) <= _BLOCK:
            return self._log_odds(intervals)
        blocks = (intervals[i : i + _BLOCK] for i in range(0, len(intervals), _BLOCK))
        return np.concatenate([self._log_odds(block) for block in blocks])

    def upper_ends(self, feature: int) -> list[float]:
        """The inclusive upper ends of a feature's intervals, ascending, without infinity."""
        return self._ends[feature]

    def first_interval(self, feature: int) -> int:
        """The row of the table for a feature's first interval; the others follow it."""
        return self._first[feature]

    def allowed(self, row: list[float]) -> npt.NDArray[np.uint8]:
        """Whether each feature of a row allows each leaf.

        Args:
            row: A row of the feature matrix.

        Returns:
            1 or 0; one row per feature, one column per element of `leaves`.
        """
        rows = self._allowed.take(self._intervals(row), axis=0)
        return np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little")

    def _log_odds(self, intervals: Sequence[list[int]]) -> Float64Array:
        allowed = self._allowed.take(intervals, axis=0)
        reached = np.bitwise_and.reduce(allowed, axis=1).view(np.uint8)
        chosen = self._choice.take(reached)
        chosen += self._starts
        log_odds: Float64Array = np.add.reduce(self._values.take(chosen), axis=1)
        log_odds += self._base
        return log_odds

    def _intervals(self, row: list[float]) -> list[int]:
        """The row of the table for each feature."""
        return [
            bisect_left(ends, value) + first
            for ends, value, first in zip(self._ends, row, self._first, strict=True)
        ]


def _in_whole_bytes(trees: list[list[Leaf]]) -> list[Leaf | None]:
    bits: list[Leaf | None] = []
    for leaves in trees:
        bits += leaves
        bits += [None] * (-len(leaves) % _BITS)
    return bits + [None] * (-len(bits) % 64)


def _upper_ends(leaves: list[Leaf | None], feature: int) -> list[float]:
    """The inclusive upper ends of a feature's intervals, ascending, without infinity."""
    intervals = (leaf.intervals[feature] for leaf in leaves if leaf and feature in leaf.intervals)
    ends = {end for interval in intervals for end in interval}
    return sorted(ends - {-np.inf, np.inf})


def _allowed(leaves: list[Leaf | None], feature: int, ends: list[float]) -> npt.NDArray[np.uint8]:
    """The rows of the table for a feature: one per interval, one bit per leaf."""
    everywhere, nowhere = (-np.inf, np.inf), (np.inf, -np.inf)
    low, high = np.array(
        [leaf.intervals.get(feature, everywhere) if leaf else nowhere for leaf in leaves]
    ).T
    return np.array(
        [
            np.packbits((low <= start) & (end <= high), bitorder="little")
            for start, end in zip([-np.inf, *ends], [*ends, np.inf], strict=True)
        ]
    )
