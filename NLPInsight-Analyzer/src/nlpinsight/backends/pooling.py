"""A transformer and a linear model that answer together.

The encoder knows what words mean in a sentence, the linear model which names and phrases go with
which label, and their mistakes differ. Their answers are pooled as a weighted geometric mean of
probabilities (the logarithmic opinion pool; Genest and Zidek, "Combining Probability Distributions:
A Critique and an Annotated Bibliography", Statistical Science 1986).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from nlpinsight.backends.linear import LinearModel

__all__ = ["POOLING", "Pool", "pooled"]

Floats = npt.NDArray[np.float64]

POOLING: Final = "pooling.json"
"""The file of a sealed transformer that holds the linear model's weight."""


@dataclass(frozen=True)
class Pool:
    """What a transformer's decisions are pooled with.

    Attributes:
        linear: The linear model.
        weight: Its share, from 0 to 1; the rest is the transformer's.
    """

    linear: LinearModel
    weight: float

    def decide(self, text: str, decisions: Floats) -> Floats:
        """Pool a transformer's decisions on a normalised text with those of the linear model."""
        other, _ = self.linear.decide([text])
        [together] = pooled(decisions[np.newaxis], other, self.weight)
        return np.asarray(together, dtype=np.float64)

    def add_to(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """A model's files with the pool among them."""
        weight = json.dumps({"linear_weight": self.weight}).encode()
        return {**files, **self.linear.to_files(), POOLING: weight}

    @classmethod
    def read_from(cls, files: Mapping[str, bytes]) -> Self | None:
        """The pool of a sealed model; None where it has none.

        Raises:
            ValueError: Its file does not hold a weight from 0 to 1.
        """
        if POOLING not in files:
            return None
        weight = json.loads(files[POOLING])["linear_weight"]
        if not (isinstance(weight, int | float) and 0 <= weight <= 1):
            raise ValueError(f"{POOLING} holds no weight from 0 to 1, but {weight!r}.")
        return cls(LinearModel.from_files(files), float(weight))


def pooled(decisions: Floats, other: Floats, weight: float) -> Floats:
    """The logarithms of the geometric mean of two models' probabilities.

    Args:
        decisions: Before softmax: texts x labels.
        other: The other model's.
        weight: Of the other model, from 0 to 1.

    Returns:
        Texts x labels. Their softmax is the mean, put to a sum of 1.
    """
    mean = (1 - weight) * _log_softmax(decisions) + weight * _log_softmax(other)
    return np.asarray(mean, dtype=np.float64)


def _log_softmax(decisions: Floats) -> Floats:
    shifted = decisions - decisions.max(axis=1, keepdims=True)
    return np.asarray(
        shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float64
    )
