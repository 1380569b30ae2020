"""Other ways to compute the log-odds of one customer from the trees of the stack.

Each is a function of a row of the feature matrix, made from the fitted stack. ADR 031 compares
them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import treelite
from treelite.model_builder import Metadata, ModelBuilder, PostProcessorFunc, TreeAnnotation

Call = Callable[[npt.NDArray[np.float32]], float]

_WEIGHED = ("forest", "gradient_boosting", "xgboost", "lightgbm")
_LESS = 2  # treelite's code of <


@dataclass(frozen=True)
class Trees:
    """All trees of a stack as parallel arrays with one element per node.

    Attributes:
        base: The constant of the log-odds.
        roots: The first node of each tree.
        left: The next node if the feature is at most the threshold; a leaf's is itself.
        right: The next node otherwise; a leaf's is itself.
        feature: Index of the feature to compare; 0 in leaves.
        threshold: The inclusive threshold; infinite in leaves.
        value: The leaf's value, weighted; 0 in other nodes.
    """

    base: float
    roots: npt.NDArray[np.int32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]


def read_trees(stack: Any) -> Trees:  # noqa: ANN401
    """Read the trees of a fitted stack."""
    base = float(stack.final_estimator_.intercept_[0])
    parts: list[list[npt.NDArray[Any]]] = []
    roots, size = [], 0
    for name, weight in zip(_WEIGHED, stack.final_estimator_.coef_[0].tolist(), strict=True):
        model = _import(name, stack.named_estimators_[name])
        header = model.get_header_accessor()
        base += weight * float(header.get_field("base_scores")[-1])
        share = weight / model.num_tree if header.get_field("average_tree_output")[0] else weight
        for number in range(model.num_tree):
            part = _tree(model.get_tree_accessor(number), share, size)
            roots.append(size)
            size += len(part[0])
            parts.append(part)
    left, right, feature, threshold, value = map(np.concatenate, zip(*parts, strict=True))
    return Trees(base, np.array(roots, dtype=np.int32), left, right, feature, threshold, value)


def interpreted(trees: Trees) -> Call:
    """The interpreter of treelite, of one model that holds all trees."""
    count = len(trees.roots)
    builder = ModelBuilder(
        threshold_type="float64",
        leaf_output_type="float64",
        metadata=Metadata(
            num_feature=int(trees.feature.max()) + 1,
            task_type="kRegressor",
            average_tree_output=False,
            num_target=1,
            num_class=[1],
            leaf_vector_shape=(1, 1),
        ),
        tree_annotation=TreeAnnotation(count, target_id=[0] * count, class_id=[0] * count),
        postprocessor=PostProcessorFunc(name="identity"),
        base_scores=[trees.base],
    )
    ends = [*trees.roots.tolist()[1:], len(trees.left)]
    for first, end in zip(trees.roots.tolist(), ends, strict=True):
        builder.start_tree()
        for node in range(first, end):
            builder.start_node(node - first)
            if trees.left[node] == node:
                builder.leaf(float(trees.value[node]))
            else:
                builder.numerical_test(
                    feature_id=int(trees.feature[node]),
                    threshold=float(trees.threshold[node]),
                    default_left=True,
                    opname="<=",
                    left_child_key=int(trees.left[node] - first),
                    right_child_key=int(trees.right[node] - first),
                )
            builder.end_node()
        builder.end_tree()
    model = builder.commit()

    def call(row: npt.NDArray[np.float32]) -> float:
        matrix = row.astype(np.float64)[np.newaxis]
        return float(treelite.gtil.predict(model, matrix, nthread=1, pred_margin=True).ravel()[0])

    return call


def level_by_level(trees: Trees) -> Call:
    """All trees at once with numpy: each round takes every tree one level down."""
    depth, nodes = 0, trees.roots
    while not np.array_equal(
        nodes, following := np.unique([trees.left[nodes], trees.right[nodes]])
    ):
        depth, nodes = depth + 1, following
    size = len(trees.left)
    children = np.concatenate([trees.right, trees.left]).astype(np.intp)
    roots, feature = trees.roots.astype(np.intp), trees.feature.astype(np.intp)

    def call(row: npt.NDArray[np.float32]) -> float:
        values, node = row.astype(np.float64), roots
        for _ in range(depth):
            left = values.take(feature.take(node)) <= trees.threshold.take(node)
            node = children.take(left * size + node)
        return trees.base + float(trees.value.take(node).sum())

    return call


def compiled(trees: Trees) -> Call:
    """One tree after the other, compiled by numba when it is first called."""
    links = np.stack([trees.left, trees.right, trees.feature])
    numbers = np.stack([trees.threshold, trees.value])

    def call(row: npt.NDArray[np.float32]) -> float:
        return trees.base + float(_walk(row.astype(np.float64), trees.roots, links, numbers))

    return call


@numba.njit
def _walk(row: Any, roots: Any, links: Any, numbers: Any) -> float:  # noqa: ANN401
    left, right, feature = links
    threshold, value = numbers
    total = 0.0
    for root in roots:
        node = root
        while left[node] != node:
            node = left[node] if row[feature[node]] <= threshold[node] else right[node]
        total += value[node]
    return total


def _import(name: str, learner: Any) -> Any:  # noqa: ANN401
    if name == "xgboost":
        return treelite.frontend.from_xgboost(learner.get_booster())
    if name == "lightgbm":
        return treelite.frontend.from_lightgbm(learner.booster_)
    return treelite.sklearn.import_model(learner)


def _tree(tree: Any, weight: float, first: int) -> list[npt.NDArray[Any]]:  # noqa: ANN401
    left, right = tree.get_field("cleft").copy(), tree.get_field("cright").copy()
    leaf, own = left == -1, np.arange(len(left))
    values = tree.get_field("leaf_value").astype(np.float64)
    vectors = tree.get_field("leaf_vector")
    if vectors.size:
        # The forest's leaves hold the probabilities of both classes; the second is churn.
        starts = tree.get_field("leaf_vector_begin").astype(np.int64)
        values[leaf] = vectors[starts[leaf] + 1]
    threshold = tree.get_field("threshold").astype(np.float64)
    less = tree.get_field("cmp") == _LESS
    threshold[less] = np.nextafter(threshold[less], -math.inf)
    return [
        (np.where(leaf, own, left) + first).astype(np.int32),
        (np.where(leaf, own, right) + first).astype(np.int32),
        np.where(leaf, 0, tree.get_field("split_index")).astype(np.int32),
        np.where(leaf, math.inf, threshold),
        np.where(leaf, values * weight, 0.0),
    ]
