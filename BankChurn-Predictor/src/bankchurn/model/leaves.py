"""The leaves of the stack's trees, read from the libraries that trained them.

A leaf is reached if each feature on its path lies in one interval. The values are multiplied by the
meta-learner's weights, so that the stack's log-odds are a constant plus the value of one leaf of
each tree.

All intervals are exact: float64 represents the float32 values of the feature matrix, and a strict
``x < t`` (XGBoost) is ``x <= t'``, where ``t'`` is the next smaller float64.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import treelite
from sklearn.ensemble import StackingClassifier

from bankchurn.arrays import BoolArray
from bankchurn.model.stack import LEARNERS

# treelite's codes of the two comparisons that the four libraries make.
_LESS: Final = 2
_AT_MOST: Final = 3


@dataclass(frozen=True)
class Leaf:
    """A leaf of a tree.

    Attributes:
        value: What it adds to the stack's log-odds.
        intervals: For each feature on its path, by index: the exclusive lower and the inclusive
            upper end.
    """

    value: float
    intervals: Mapping[int, tuple[float, float]]


def read_trees(stack: StackingClassifier) -> tuple[float, list[list[Leaf]]]:
    """The constant of a fitted stack's log-odds, and the leaves of each of its trees.

    Args:
        stack: The fitted stack of `bankchurn.model.stack`.

    Raises:
        ValueError: A tree makes another comparison than ``<`` and ``<=``.
    """
    weights = stack.final_estimator_.coef_[0].tolist()
    base = float(stack.final_estimator_.intercept_[0])
    trees: list[list[Leaf]] = []
    for name, weight in zip(LEARNERS, weights, strict=True):
        model = _import(name, stack)
        header = model.get_header_accessor()
        base += weight * float(header.get_field("base_scores")[-1])
        share = weight / model.num_tree if header.get_field("average_tree_output")[0] else weight
        trees += [_leaves(model.get_tree_accessor(i), share) for i in range(model.num_tree)]
    return base, trees


def _import(name: str, stack: StackingClassifier) -> treelite.Model:
    learner = stack.named_estimators_[name]
    if name == "xgboost":
        return treelite.frontend.from_xgboost(learner.get_booster())
    if name == "lightgbm":
        return treelite.frontend.from_lightgbm(learner.booster_)
    return treelite.sklearn.import_model(learner)


def _leaves(tree: treelite.model.TreeAccessor, weight: float) -> list[Leaf]:
    # treelite returns views of its own memory; tolist copies.
    left, right = tree.get_field("cleft").tolist(), tree.get_field("cright").tolist()
    feature, operator = tree.get_field("split_index").tolist(), tree.get_field("cmp").tolist()
    threshold = tree.get_field("threshold").astype(np.float64).tolist()
    values = _leaf_values(tree, np.array(left) == -1)
    leaves: list[Leaf] = []
    paths: list[tuple[int, dict[int, tuple[float, float]]]] = [(0, {})]
    while paths:
        node, intervals = paths.pop()
        if left[node] < 0:
            leaves.append(Leaf(values[node] * weight, intervals))
            continue
        end = _inclusive(threshold[node], operator[node])
        low, high = intervals.get(feature[node], (-math.inf, math.inf))
        paths.append((right[node], intervals | {feature[node]: (max(low, end), high)}))
        paths.append((left[node], intervals | {feature[node]: (low, min(high, end))}))
    return leaves


def _leaf_values(tree: treelite.model.TreeAccessor, is_leaf: BoolArray) -> list[float]:
    values = tree.get_field("leaf_value").astype(np.float64)
    vectors = tree.get_field("leaf_vector")
    if vectors.size:
        # The forest's leaves hold the probabilities of both classes; the second is churn.
        starts = tree.get_field("leaf_vector_begin").astype(np.int64)
        values[is_leaf] = vectors[starts[is_leaf] + 1]
    return [float(value) for value in values.tolist()]


def _inclusive(threshold: float, operator: int) -> float:
    """The largest number that goes to the left."""
    if operator == _LESS:
        return math.nextafter(threshold, -math.inf)
    if operator != _AT_MOST:
        raise ValueError(
            f"A tree splits with treelite's operator {operator}, which is neither < nor <=. Train "
            "all learners on numbers, without categorical features."
        )
    return threshold
