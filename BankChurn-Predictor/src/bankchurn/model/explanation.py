"""Explanations of predictions: exact interventional Shapley values.

The stack's log-odds are a constant plus the values of leaves, and Shapley values are linear in the
model, so those of the stack are sums over leaves (`bankchurn.model.leaf_shares`).

An unknown value is explained as the median that replaces it.
"""

import hashlib
import json
from typing import Any, Final

import numpy as np
from scipy.special import expit

from bankchurn.arrays import Float64Array
from bankchurn.features import Matrix
from bankchurn.model.fast_ensemble import TreeEnsemble
from bankchurn.model.leaf_shares import LeafShares
from bankchurn.responses import Explanation
from bankchurn.schema import FEATURES

METHOD: Final = "exact interventional Shapley values of the log-odds (TreeSHAP over the stack)"

# The explainer adds in another order than the ensemble.
_ADDITIVITY: Final = 1e-5


class AdditivityError(RuntimeError):
    """The contributions do not sum to the customer's log-odds."""


class Background:
    """The customers that explanations compare with, sealed with the model.

    Args:
        matrix: Rows of the feature matrix, without any identifier.

    Attributes:
        matrix: The rows.
        version: A digest of the rows.
    """

    def __init__(self, matrix: Matrix) -> None:
        if matrix.ndim != 2 or matrix.shape[1] != len(FEATURES) or not len(matrix):  # noqa: PLR2004
            raise ValueError(f"A background has one column per feature, not {matrix.shape}.")
        self.matrix = np.ascontiguousarray(matrix, dtype=np.float32)
        self.version = hashlib.sha256(self.matrix.astype("<f4").tobytes()).hexdigest()[:12]

    @classmethod
    def sample(cls, matrix: Matrix, *, size: int, seed: int) -> "Background":
        """Draw a background from a feature matrix, without replacement."""
        chosen = np.random.default_rng(seed).choice(
            len(matrix), size=min(size, len(matrix)), replace=False
        )
        return cls(matrix[np.sort(chosen)])

    def to_json(self) -> bytes:
        """The background as JSON; float64 represents its float32 values exactly."""
        document = {
            "version": self.version,
            "features": list(FEATURES),
            "rows": self.matrix.astype(np.float64).tolist(),
        }
        return json.dumps(document).encode()

    @classmethod
    def from_json(cls, raw: bytes) -> "Background":
        """Read what `to_json` wrote."""
        document: dict[str, Any] = json.loads(raw)
        background = cls(np.array(document["rows"], dtype=np.float32))
        if document["features"] != list(FEATURES) or document["version"] != background.version:
            raise ValueError("The background does not have the digest that is its version.")
        return background


class ShapleyExplainer:
    """Explains the log-odds of a fitted stack.

    Args:
        ensemble: The trees of the stack; the contributions must sum to their log-odds.
        background: The customers to compare with.

    Attributes:
        background: The customers to compare with.
        base_log_odds: Mean log-odds of the background.
    """

    def __init__(self, ensemble: TreeEnsemble, background: Background) -> None:
        self._ensemble = ensemble
        self.background = background
        self.base_log_odds = float(ensemble.log_odds(background.matrix).mean())
        self._shares = LeafShares(ensemble, background.matrix)

    def contributions(self, matrix: Matrix) -> Float64Array:
        """The contribution of each feature to the log-odds of each row, in the order of `FEATURES`.

        Raises:
            AdditivityError: The contributions do not sum to the log-odds.
        """
        total = self._shares.contributions(matrix)
        gap = np.abs(self.base_log_odds + total.sum(axis=1) - self._ensemble.log_odds(matrix))
        if not bool(np.all(gap <= _ADDITIVITY)):
            raise AdditivityError(
                f"The contributions differ from the log-odds by {gap.max():.3g}, more than "
                f"{_ADDITIVITY:g}. Report this with the model's version; do not use the values."
            )
        return total

    def explain(self, matrix: Matrix) -> list[Explanation]:
        """Explain each row of a feature matrix."""
        contributions = self.contributions(matrix)
        # Not the ensemble's log-odds, which differ by rounding: the returned values add up exactly.
        log_odds = self.base_log_odds + contributions.sum(axis=1)
        in_points = in_probability(contributions, self.base_log_odds)
        return [
            Explanation(
                method=METHOD,
                background_version=self.background.version,
                base_log_odds=self.base_log_odds,
                log_odds_contributions=_named(contributions[row]),
                log_odds=float(log_odds[row]),
                base_probability=float(expit(self.base_log_odds)),
                probability_contributions=_named(in_points[row]),
            )
            for row in range(len(matrix))
        ]


def in_probability(contributions: Float64Array, base_log_odds: float) -> Float64Array:
    """Convert contributions to log-odds into points of probability.

    All contributions of a customer are multiplied by one factor, the slope of the straight line
    between the base and the customer on the logistic curve:
    ``(p - p0) / (log_odds - base_log_odds)``. The factor is positive, so signs, order and
    proportions are kept; the results sum to ``p - p0`` exactly. If the log-odds equal the base, the
    factor is the curve's slope there, ``p0 * (1 - p0)``.
    """
    shift = contributions.sum(axis=1)
    base = expit(base_log_odds)
    slope = np.full(shift.shape, base * (1.0 - base), dtype=np.float64)
    # Below this, the quotient of two rounded differences is less exact than the curve's slope.
    steep = np.abs(shift) > 1e-6  # noqa: PLR2004
    slope[steep] = (expit(base_log_odds + shift[steep]) - base) / shift[steep]
    return np.asarray(contributions * slope[:, np.newaxis], dtype=np.float64)


def _named(values: Float64Array) -> dict[str, float]:
    return dict(zip(FEATURES, values.tolist(), strict=True))
