"""The decision threshold: from which probability a customer is predicted to leave."""

import numpy as np

from bankchurn.arrays import Float64Array, Int64Array
from bankchurn.model.predictor import Decision


def choose_threshold(target: Int64Array, probability: Float64Array) -> Decision:
    """The threshold with the greatest F1 on out-of-fold predictions.

    F1 weighs a missed customer like a needlessly contacted one. The threshold lies half-way
    between the two neighbouring probabilities that it separates; of equal F1, the lowest is chosen.
    """
    order = np.argsort(-probability, kind="stable")
    ranked, hits = probability[order], np.cumsum(target[order], dtype=np.float64)
    f1 = 2.0 * hits / (np.arange(1, len(ranked) + 1, dtype=np.float64) + hits[-1])
    # A threshold cannot pass between equal probabilities.
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0
    last = len(f1) - 1 - int(np.argmax(f1[::-1]))
    below = float(ranked[last + 1]) if last + 1 < len(ranked) else 0.0
    return Decision(
        threshold=(float(ranked[last]) + below) / 2.0,
        criterion="greatest F1 on out-of-fold predictions of the training part",
    )
