"""The paired bootstrap: how much better one model is than another on the same rows."""

from typing import Final, NamedTuple

import numpy as np

from modelwatch.challenge.scores import Ints
from modelwatch.reporting.metrics import HIGHER_IS_BETTER, Floats, Metric

__all__ = ["CONFIDENCE", "EQUAL_PROMOTED", "Comparison", "compare"]

CONFIDENCE: Final = 0.95
"""Confidence of the intervals."""

EQUAL_PROMOTED: Final = 0.05
"""Largest share of equal challengers that are promoted. The intervals alone would allow 2.5%; the
rest covers the error of a bootstrap of few rows."""

RESAMPLES: Final = 2_000

_SEED: Final = 0


class Comparison(NamedTuple):
    """A metric of two models on the same rows.

    Attributes:
        champion: Metric of the champion.
        challenger: Metric of the challenger.
        gain: Improvement by the challenger; negative if it is worse.
        low: Lower end of the 95% bootstrap interval of the gain.
        high: Upper end.
    """

    champion: float
    challenger: float
    gain: float
    low: float
    high: float


def compare(
    name: str, metric: Metric, champion: Floats, challenger: Floats, blocks: Ints, *, additive: bool
) -> Comparison:
    """Compare two models.

    Args:
        name: Name of the metric.
        metric: The metric.
        champion: Cells of the champion, one for each row.
        challenger: Cells of the challenger for the same rows.
        blocks: Number of each row's block, from 0. Blocks are resampled as wholes.
        additive: Whether all columns of a cell count rows or are sums over rows; otherwise only
            the first one does.
    """
    sign = 1.0 if name in HIGHER_IS_BETTER else -1.0
    random = np.random.default_rng(_SEED)
    size = int(blocks.max()) + 1
    if additive:
        champion, challenger = (_sums(cells, blocks, size) for cells in (champion, challenger))
        blocks = np.arange(size)
    gains = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = np.bincount(random.integers(size, size=size), minlength=size)
        weights = drawn[blocks]
        one, other = (
            metric(_weighted(cells, weights, additive=additive)) for cells in (champion, challenger)
        )
        gains[number] = sign * (other - one)
    tail = (1 - CONFIDENCE) / 2
    # A resample without both outcomes has no AUC.
    low, high = np.nanquantile(gains, [tail, 1 - tail])
    before, after = metric(champion), metric(challenger)
    # Adding zero turns -0.0 into 0.0.
    gain = sign * (after - before) + 0.0
    return Comparison(before, after, gain, float(low) + 0.0, float(high) + 0.0)


def _sums(cells: Floats, blocks: Ints, size: int) -> Floats:
    """The sums of each block, which are resampled as wholes."""
    found = np.zeros((size, cells.shape[1]))
    np.add.at(found, blocks, cells)
    return found


def _weighted(cells: Floats, weights: Ints, *, additive: bool) -> Floats:
    if additive:
        return cells * weights[:, None]
    found = cells.copy()
    found[:, 0] *= weights
    return found
