"""Fast evaluation of the stack: the trees of its base learners as one treelite ensemble.

scikit-learn needs milliseconds for one customer, nearly all of them overhead. Here the leaves are
multiplied by the meta-learner's weights beforehand, so that one call returns the stack's log-odds.

All comparisons are exact: float64 represents the float32 values of the feature matrix, and each
learner's thresholds and operator (``<=`` or, for XGBoost, ``<``) are kept. Only sums differ, by
about 1e-7, because XGBoost adds in float32.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import treelite
from sklearn.ensemble import StackingClassifier
from treelite.model_builder import Metadata, ModelBuilder, PostProcessorFunc, TreeAnnotation

from bankchurn.arrays import Float64Array
from bankchurn.features import Matrix
from bankchurn.model.stack import LEARNERS
from bankchurn.schema import FEATURES

# treelite's codes of comparison operators; 0 marks a leaf.
_OPERATORS: Final = {2: "<", 3: "<=", 4: "==", 5: ">", 6: ">="}


@dataclass(frozen=True)
class _Tree:
    """One tree as parallel lists with one entry per node; the left child of a leaf is -1."""

    left: list[int]
    right: list[int]
    feature: list[int]
    threshold: list[float]
    operator: list[int]
    leaf: list[float]


class TreeEnsemble:
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

    def log_odds(self, matrix: Matrix) -> Float64Array:
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
    """A learner's constant and trees, multiplied by its weight in the stack."""
    header = model.get_header_accessor()
    # treelite returns views of its own memory; tolist copies.
    offset = weight * float(header.get_field("base_scores")[-1])
    if header.get_field("average_tree_output")[0]:
        weight /= model.num_tree
    return offset, [_tree(model, index, weight) for index in range(model.num_tree)]


def _tree(model: treelite.Model, index: int, weight: float) -> _Tree:
    tree = model.get_tree_accessor(index)
    leaf = tree.get_field("leaf_value").astype(np.float64)
    vectors = tree.get_field("leaf_vector")
    if vectors.size:
        # The forest's leaves hold the probabilities of both classes; the second is churn.
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
                    default_left=True,  # unused: the feature matrix has no missing values
                    opname=_OPERATORS[tree.operator[node]],
                    left_child_key=left,
                    right_child_key=tree.right[node],
                )
            builder.end_node()  # type: ignore[no-untyped-call]
        builder.end_tree()  # type: ignore[no-untyped-call]
    return builder.commit()
