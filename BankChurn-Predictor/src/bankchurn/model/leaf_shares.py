"""Exact interventional Shapley values of a tree ensemble, computed leaf by leaf.

Consider one leaf and one customer of the background. Some features on the leaf's path allow the
explained customer (the set ``P``), some the background's (the set ``Q``). The leaf's value is a
game: a coalition gets it if each of the leaf's features allows the customer that it is taken from,
the explained one for the coalition's members, the background's for the others. If a feature allows
neither, no coalition gets the value. Else, with ``a`` features that allow only the explained
customer and ``b`` that allow only the background's, the Shapley values have a closed form:
``(a-1)! b! / (a+b)!`` of the leaf's value for each of the ``a``, minus ``a! (b-1)! / (a+b)!`` for
each of the ``b``, nothing for the others.

The values of the model are the sums over its leaves, their interventional form the means over the
background. The background is fixed, so for each leaf the means are tabulated for every ``P`` when a
model is loaded: ``2**k`` rows of ``k`` numbers for a leaf with ``k`` features. An explanation looks
up one row for each leaf.
"""

from dataclasses import dataclass
from math import factorial
from typing import Final

import numpy as np
import numpy.typing as npt

from bankchurn.arrays import Float64Array
from bankchurn.features import Matrix
from bankchurn.model.fast_ensemble import TreeEnsemble

# 8 features are a pattern of one byte, and 16 kB for a leaf; every further one doubles that.
MAX_FEATURES: Final = 8


class LeafShares:
    """Tables of the Shapley values of each leaf.

    Args:
        ensemble: The trees.
        background: Rows of the feature matrix to compare with.

    Raises:
        ValueError: A leaf depends on more than `MAX_FEATURES` features.
    """

    def __init__(self, ensemble: TreeEnsemble, background: Matrix) -> None:
        self._ensemble = ensemble
        allowed = np.array([ensemble.allowed(row) for row in background.tolist()])
        sizes = [len(leaf.intervals) if leaf else 0 for leaf in ensemble.leaves]
        if max(sizes) > MAX_FEATURES:
            raise ValueError(
                f"A leaf depends on {max(sizes)} features; explanations support {MAX_FEATURES}. "
                "Set max_depth in bankchurn.model.stack.PARAMETERS to at most that."
            )
        self._groups = [
            _group(ensemble, np.flatnonzero(np.array(sizes) == size), size, allowed)
            for size in range(1, max(sizes) + 1)
        ]

    def contributions(self, matrix: Matrix) -> Float64Array:
        """The contribution of each feature to the log-odds of each row of a feature matrix."""
        return np.array([self._of_row(row) for row in matrix.tolist()]).reshape(matrix.shape)

    def _of_row(self, row: list[float]) -> Float64Array:
        allowed = self._ensemble.allowed(row).ravel()
        total = np.zeros(len(row), dtype=np.float64)
        for group in self._groups:
            shares = group.shares.take(group.first + _patterns(allowed, group.cells), axis=0)
            total += np.bincount(group.features, weights=shares.ravel(), minlength=len(row))
        return total


@dataclass(frozen=True)
class _Group:
    """The leaves with the same number of features.

    Attributes:
        cells: For each leaf, where `TreeEnsemble.allowed` has its features; one row per feature of
            a leaf, one column per leaf.
        features: The features of the first leaf, then of the second, and so on.
        first: For each leaf, the first of its rows of `shares`.
        shares: The mean Shapley values of a leaf's features, one row for each pattern.
    """

    cells: npt.NDArray[np.intp]
    features: npt.NDArray[np.intp]
    first: npt.NDArray[np.intp]
    shares: Float64Array


def _group(
    ensemble: TreeEnsemble,
    positions: npt.NDArray[np.intp],
    size: int,
    allowed: npt.NDArray[np.uint8],
) -> _Group:
    leaves = [leaf for position in positions.tolist() if (leaf := ensemble.leaves[position])]
    features = np.array([sorted(leaf.intervals) for leaf in leaves], dtype=np.intp)
    features = features.reshape(len(leaves), size)
    cells = features.T * len(ensemble.leaves) + positions
    first = np.arange(len(leaves), dtype=np.intp) * 2**size
    # How many customers of the background have each pattern, for each leaf.
    seen = np.zeros(len(leaves) * 2**size, dtype=np.float64)
    for one in allowed:
        np.add.at(seen, first + _patterns(one.ravel(), cells), 1.0)
    values = np.array([leaf.value for leaf in leaves], dtype=np.float64) / len(allowed)
    weighted = seen.reshape(len(leaves), 2**size) * values[:, np.newaxis]
    shares = weighted @ _shapley_values(size).reshape(2**size, -1)
    return _Group(cells, features.ravel(), first, shares.reshape(-1, size))


def _patterns(allowed: npt.NDArray[np.uint8], cells: npt.NDArray[np.intp]) -> npt.NDArray[np.uint8]:
    """The pattern of each leaf: bit ``i`` is set if its feature ``i`` allows the leaf."""
    packed = np.packbits(allowed.take(cells), axis=0, bitorder="little")
    return packed.reshape(cells.shape[1])


def _shapley_values(size: int) -> Float64Array:
    """The Shapley values of a leaf of value 1.

    Returns:
        By the background's pattern, the explained customer's pattern, and feature.
    """
    everything = 2**size - 1
    patterns = np.arange(2**size)
    theirs, ours = patterns[:, np.newaxis], patterns[np.newaxis, :]
    possible = (theirs | ours) == everything
    only_ours, only_theirs = ours & ~theirs, theirs & ~ours
    bits = (patterns[:, np.newaxis] >> np.arange(size)) & 1
    a, b = bits.sum(axis=1)[only_ours], bits.sum(axis=1)[only_theirs]
    gain = np.zeros((size + 1, size + 1))
    loss = np.zeros((size + 1, size + 1))
    for i in range(size + 1):
        for j in range(size + 1 - i):
            gain[i, j] = factorial(i - 1) * factorial(j) / factorial(i + j) if i else 0.0
            loss[i, j] = factorial(i) * factorial(j - 1) / factorial(i + j) if j else 0.0
    values = (
        bits[only_ours] * gain[a, b][..., np.newaxis]
        - bits[only_theirs] * loss[a, b][..., np.newaxis]
    )
    return np.asarray(values * possible[..., np.newaxis], dtype=np.float64)
