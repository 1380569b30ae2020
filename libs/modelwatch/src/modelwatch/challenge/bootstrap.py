"""The paired bootstrap: how much better one model is than another on the same rows."""

from typing import Final, NamedTuple

import numpy as np

from modelwatch.challenge.scores import Ints
from modelwatch.reporting.metrics import HIGHER_IS_BETTER, ROW_VALUES, Floats, Metric

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
    size = int(blocks.max()) + 1
    before, after = metric(champion), metric(challenger)
    if name in ROW_VALUES:
        champion, challenger = (_sums_of_rows(name, cells) for cells in (champion, challenger))
        metric, additive = _mean, True
    if additive:
        # Such metrics need only the sums of each block.
        champion, challenger = (_by_block(cells, blocks, size) for cells in (champion, challenger))
    random = np.random.default_rng(_SEED)
    gains = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = np.bincount(random.integers(size, size=size), minlength=size)
        if additive:
            one, other = (metric((drawn @ cells)[None, :]) for cells in (champion, challenger))
        else:
            weights = drawn[blocks]
            one, other = (metric(_weighted(cells, weights)) for cells in (champion, challenger))
        gains[number] = sign * (other - one)
    tail = (1 - CONFIDENCE) / 2
    # A resample without both outcomes has no AUC.
    low, high = np.nanquantile(gains, [tail, 1 - tail])
    # Adding zero turns -0.0 into 0.0.
    gain = sign * (after - before) + 0.0
    return Comparison(before, after, gain, float(low) + 0.0, float(high) + 0.0)


def _sums_of_rows(name: str, cells: Floats) -> Floats:
    """Rows and the sum of the values of each cell, for a metric that is a mean."""
    return np.column_stack([cells[:, 0], cells[:, 0] * ROW_VALUES[name](cells)])


def _mean(sums: Floats) -> float:
    return float(sums[:, 1].sum() / sums[:, 0].sum())


def _by_block(cells: Floats, blocks: Ints, size: int) -> Floats:
    found = np.zeros((size, cells.shape[1]))
    np.add.at(found, blocks, cells)
    return found


def _weighted(cells: Floats, weights: Ints) -> Floats:
    found = cells.copy()
    found[:, 0] *= weights
    return found
