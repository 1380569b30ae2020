"""Combines a transformer with a linear model.

The encoder knows the meaning of words in a sentence, the linear model which names and phrases go
with which label, and their errors differ. Their answers are combined as a weighted geometric mean
of probabilities (the logarithmic opinion pool; Genest and Zidek, "Combining Probability
Distributions: A Critique and an Annotated Bibliography", Statistical Science 1986).
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from nlpinsight.arrays import Float64Array
from nlpinsight.backends.linear import LinearModel

POOLING: Final = "pooling.json"
"""The file of a sealed transformer that holds the linear model's weight."""


@dataclass(frozen=True)
class Pool:
    """The linear model that a transformer is combined with.

    Attributes:
        linear: The linear model.
        weight: Its weight, from 0 to 1; the transformer has the rest.
    """

    linear: LinearModel
    weight: float

    def decide(self, text: str, decision: Sequence[float]) -> list[float]:
        """Combine a transformer's decision on a normalised text with the linear model's.

        Computes `pooled` for one text without arrays, whose calls take longer.
        """
        other, _ = self.linear.decide_one(text)
        own, others = _log_softmax_of_one(decision), _log_softmax_of_one(other)
        return [
            (1 - self.weight) * one + self.weight * two
            for one, two in zip(own, others, strict=True)
        ]

    def add_to(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """A model's files, including the pool."""
        weight = json.dumps({"linear_weight": self.weight}).encode()
        return {**files, **self.linear.to_files(), POOLING: weight}

    @classmethod
    def read_from(cls, files: Mapping[str, bytes]) -> Self | None:
        """The pool of a sealed model; None if it has none.

        Raises:
            ValueError: The file does not hold a weight from 0 to 1.
        """
        if POOLING not in files:
            return None
        weight = json.loads(files[POOLING])["linear_weight"]
        if not (isinstance(weight, int | float) and 0 <= weight <= 1):
            raise ValueError(f"{POOLING} must hold a weight from 0 to 1, not {weight!r}.")
        return cls(LinearModel.from_files(files), float(weight))


def pooled(decisions: Float64Array, other: Float64Array, weight: float) -> Float64Array:
    """The logarithms of the weighted geometric mean of two models' probabilities.

    Args:
        decisions: Decisions before softmax: texts x labels.
        other: The other model's decisions.
        weight: Weight of the other model, from 0 to 1.

    Returns:
        Texts x labels. Their softmax is the normalised mean.
    """
    mean = (1 - weight) * _log_softmax(decisions) + weight * _log_softmax(other)
    return np.asarray(mean, dtype=np.float64)


def _log_softmax(decisions: Float64Array) -> Float64Array:
    shifted = decisions - decisions.max(axis=1, keepdims=True)
    return np.asarray(
        shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float64
    )


def _log_softmax_of_one(decision: Sequence[float]) -> list[float]:
    most = max(decision)
    shifted = [one - most for one in decision]
    total = math.log(sum([math.exp(one) for one in shifted]))
    return [one - total for one in shifted]
