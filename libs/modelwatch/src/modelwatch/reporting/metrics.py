"""Metrics of predictions that are counted in cells, or that are a cell each.

A cell is a row of an array. Its columns depend on the kind of the task:

* ``binary``: rows, probability, outcome (0 or 1);
* ``classes``: rows, predicted class, outcome, as numbers below `MAX_CLASSES` + 1;
* ``number``: rows, absolute error, absolute outcome, error, rows inside the interval.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "BINARY",
    "CLASSES",
    "HIGHER_IS_BETTER",
    "MAX_CLASSES",
    "NUMBERS",
    "PROBABILITY_STEPS",
    "ROW_VALUES",
    "Floats",
    "Metric",
    "calibration_error",
    "calibration_points",
    "coverage",
]

PROBABILITY_STEPS: Final = 2_000
MAX_CLASSES: Final = 50

HIGHER_IS_BETTER: Final = frozenset({"auc", "accuracy", "macro_f1"})

_CALIBRATION_BINS: Final = 10

Floats = npt.NDArray[np.float64]
Metric = Callable[[Floats], float]


def auc(cells: Floats) -> float:
    """The probability that a positive row has a higher score than a negative one."""
    counts, scores, positive = cells.T
    steps = np.floor(scores * PROBABILITY_STEPS).astype(int)
    size = PROBABILITY_STEPS + 1
    positives = np.bincount(steps, weights=counts * positive, minlength=size)
    negatives = np.bincount(steps, weights=counts * (1 - positive), minlength=size)
    if not positives.any() or not negatives.any():
        return float("nan")
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / (positives.sum() * negatives.sum()))


def log_loss(cells: Floats) -> float:
    """The mean negative log-likelihood, in nats."""
    return _mean(cells, _log_losses(cells))


def brier(cells: Floats) -> float:
    """The mean squared error of the probability."""
    return _mean(cells, _squared_errors(cells))


def calibration_error(cells: Floats) -> float:
    """The mean difference of probability and outcome in tenths of the probabilities."""
    found = calibration_points(cells)
    rows = sum(count for _, _, count in found)
    return sum(count * abs(mean - share) for mean, share, count in found) / rows


def calibration_points(cells: Floats) -> tuple[tuple[float, float, int], ...]:
    """For each tenth of the probabilities: mean probability, share of positives, rows."""
    counts, scores, positive = cells.T
    bins = np.minimum((scores * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    found = []
    for one in range(_CALIBRATION_BINS):
        here = bins == one
        if rows := counts[here].sum():
            mean = (counts * scores)[here].sum() / rows
            share = (counts * positive)[here].sum() / rows
            found.append((float(mean), float(share), int(rows)))
    return tuple(found)


def accuracy(cells: Floats) -> float:
    """The share of the rows whose class is predicted."""
    return _mean(cells, _hits(cells))


def macro_f1(cells: Floats) -> float:
    """The mean of the F1 of the classes that occur, as prediction or as outcome."""
    counts, predicted, outcome = cells.T
    size = MAX_CLASSES + 1
    right = predicted == outcome
    both = np.bincount(predicted.astype(int), weights=counts * right, minlength=size)
    total = np.bincount(predicted.astype(int), weights=counts, minlength=size) + np.bincount(
        outcome.astype(int), weights=counts, minlength=size
    )
    occurring = total > 0
    return float((2 * both[occurring] / total[occurring]).mean())


def coverage(cells: Floats) -> float:
    """The share of the outcomes inside the interval."""
    return _ratio(cells, 4, 0)


def _log_losses(cells: Floats) -> Floats:
    _, scores, positive = cells.T
    right = np.clip(np.where(positive == 1, scores, 1 - scores), 1e-15, 1.0)
    found: Floats = -np.log(right)
    return found


def _squared_errors(cells: Floats) -> Floats:
    found: Floats = np.square(cells[:, 1] - cells[:, 2])
    return found


def _hits(cells: Floats) -> Floats:
    return np.equal(cells[:, 1], cells[:, 2]).astype(np.float64)


def _mean(cells: Floats, values: Floats) -> float:
    return float((cells[:, 0] * values).sum() / cells[:, 0].sum())


def _ratio(cells: Floats, upper: int, lower: int) -> float:
    total = cells[:, lower].sum()
    return float(cells[:, upper].sum() / total) if total else float("nan")


BINARY: Final[dict[str, Metric]] = {
    "auc": auc,
    "log_loss": log_loss,
    "brier": brier,
    "calibration_error": calibration_error,
}
CLASSES: Final[dict[str, Metric]] = {"accuracy": accuracy, "macro_f1": macro_f1}
NUMBERS: Final[dict[str, Metric]] = {
    "wape": lambda cells: _ratio(cells, 1, 2),
    "bias": lambda cells: _ratio(cells, 3, 2),
    "mae": lambda cells: _ratio(cells, 1, 0),
}

ROW_VALUES: Final[dict[str, Callable[[Floats], Floats]]] = {
    "log_loss": _log_losses,
    "brier": _squared_errors,
    "accuracy": _hits,
}
"""For the metrics that are means: the values of cells, of which they are the mean."""
