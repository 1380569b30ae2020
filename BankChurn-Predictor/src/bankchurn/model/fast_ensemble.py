"""The request path: the stack's own trees, evaluated as one ensemble.

scikit-learn answers one customer in milliseconds, nearly all of it overhead. Here the trees of
the fitted base learners become one treelite ensemble whose leaves are already multiplied by the
meta-learner's weights, so that one call returns the stack's log-odds.

All comparisons are exact: the feature matrix holds float32 values, which float64 represents, and
each learner's thresholds and direction of comparison (``<=`` or, for XGBoost, ``<``) are kept.
Only sums can differ, because XGBoost adds in float32: by about 1e-7.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import treelite
from sklearn.ensemble import StackingClassifier
from treelite.model_builder import Metadata, ModelBuilder, PostProcessorFunc, TreeAnnotation

from bankchurn.features import Matrix
from bankchurn.model.stack import LEARNERS
from bankchurn.schema import FEATURES

__all__ = ["RequestPath"]

Floats = npt.NDArray[np.float64]

# treelite's codes of a node's comparison; 0 marks a leaf.
_OPERATORS: Final = {2: "<", 3: "<=", 4: "==", 5: ">", 6: ">="}


@dataclass(frozen=True)
class _Tree:
    """One tree as parallel lists, one entry per node; a leaf has no left child (-1)."""

    left: list[int]
    right: list[int]
    feature: list[int]
    threshold: list[float]
    operator: list[int]
    leaf: list[float]


class RequestPath:
    """Computes the log-odds of a fitted stack.

    Args:
        stack: The fitted stack of `bankchurn.model.stack`.
    """

    def __init__(self, stack: StackingClassifier) -> None:
        weights = stack.final_estimator_.coef_[0].tolist()
        base = float(stack.final_estimator_.intercept_[0])
        trees: list[_Tree] = []
        for name, weight in zip(LEARNERS, weights, strict=True):
            offset, learners_trees = _weighted_trees(_import(name, stack), weight)
            base += offset
            trees += learners_trees
        self._ensemble = _build(trees, base)

    def log_odds(self, matrix: Matrix) -> Floats:
        """The stack's log-odds for each row of a feature matrix, on one thread."""
        margins = treelite.gtil.predict(
            self._ensemble, matrix.astype(np.float64), nthread=1, pred_margin=True
        )
        return np.asarray(margins, dtype=np.float64).reshape(len(matrix))


def _import(name: str, stack: StackingClassifier) -> treelite.Model:
    learner = stack.named_estimators_[name]
    if name == "xgboost":
        return treelite.frontend.from_xgboost(learner.get_booster())
    if name == "lightgbm":
        return treelite.frontend.from_lightgbm(learner.booster_)
    return treelite.sklearn.import_model(learner)


def _weighted_trees(model: treelite.Model, weight: float) -> tuple[float, list[_Tree]]:
    """A learner's constant and its trees, both multiplied by its weight in the stack."""
    header = model.get_header_accessor()
    # treelite hands out views of its own memory: everything that is kept is copied (tolist).
    offset = weight * float(header.get_field("base_scores")[-1])
    if header.get_field("average_tree_output")[0]:
        weight /= model.num_tree
    return offset, [_tree(model, index, weight) for index in range(model.num_tree)]


def _tree(model: treelite.Model, index: int, weight: float) -> _Tree:
    tree = model.get_tree_accessor(index)
    leaf = tree.get_field("leaf_value").astype(np.float64)
    vectors = tree.get_field("leaf_vector")
    if vectors.size:
        # The forest's leaves hold the probability of either class; the second is churn.
        starts = tree.get_field("leaf_vector_begin").astype(np.int64)
        is_leaf = tree.get_field("cleft") == -1
        leaf[is_leaf] = vectors[starts[is_leaf] + 1]
    return _Tree(
        left=tree.get_field("cleft").tolist(),
        right=tree.get_field("cright").tolist(),
        feature=tree.get_field("split_index").tolist(),
        threshold=tree.get_field("threshold").astype(np.float64).tolist(),
        operator=tree.get_field("cmp").tolist(),
        leaf=(leaf * weight).tolist(),
    )


def _build(trees: list[_Tree], base: float) -> treelite.Model:
    count = len(trees)
    builder = ModelBuilder(
        threshold_type="float64",
        leaf_output_type="float64",
        metadata=Metadata(
            num_feature=len(FEATURES),
            task_type="kRegressor",
            average_tree_output=False,
            num_target=1,
            num_class=[1],
            leaf_vector_shape=(1, 1),
        ),
        tree_annotation=TreeAnnotation(count, target_id=[0] * count, class_id=[0] * count),
        postprocessor=PostProcessorFunc(name="identity"),
        base_scores=[base],
    )
    for tree in trees:
        builder.start_tree()  # type: ignore[no-untyped-call]
        for node, left in enumerate(tree.left):
            builder.start_node(node)
            if left < 0:
                builder.leaf(tree.leaf[node])
            else:
                builder.numerical_test(
                    feature_id=tree.feature[node],
                    threshold=tree.threshold[node],
                    default_left=True,  # never asked: the feature matrix has no missing values
                    opname=_OPERATORS[tree.operator[node]],
                    left_child_key=left,
                    right_child_key=tree.right[node],
                )
            builder.end_node()  # type: ignore[no-untyped-call]
        builder.end_tree()  # type: ignore[no-untyped-call]
    return builder.commit()
