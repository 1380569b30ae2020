import copy

import numpy as np
import numpy.typing as npt
import pytest
from bankchurn.features import Matrix
from bankchurn.model.fast_ensemble import TreeEnsemble
from bankchurn.model.leaves import Leaf, read_trees
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.model.stack import LightGBMMargin
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS, Customer
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit


def sealed_probability(predictor: ChurnPredictor, matrix: Matrix) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = predictor.pipeline.named_steps["stack"].predict_proba(matrix)[
        :, 1
    ]
    return found


@pytest.fixture(scope="module")
def path(predictor: ChurnPredictor) -> TreeEnsemble:
    return TreeEnsemble(predictor.pipeline.named_steps["stack"])


def test_the_ensemble_agrees_with_the_pipeline_on_every_row(
    predictor: ChurnPredictor, path: TreeEnsemble, matrix: Matrix
) -> None:
    gap = np.abs(expit(path.log_odds(matrix)) - sealed_probability(predictor, matrix))
    assert gap.max() < 1e-6


def thresholds(predictor: ChurnPredictor) -> dict[int, set[float]]:
    """The thresholds of the trees of every learner, by feature."""
    found: dict[int, set[float]] = {}
    learners = predictor.pipeline.named_steps["stack"].named_estimators_
    for tree in [one.tree_ for one in learners["forest"].estimators_] + [
        one.tree_ for one in learners["gradient_boosting"].estimators_.ravel()
    ]:
        for feature, value in zip(tree.feature, tree.threshold, strict=True):
            if feature >= 0:
                found.setdefault(int(feature), set()).add(float(value))
    xgboost = learners["xgboost"].get_booster().trees_to_dataframe()
    splits = xgboost[xgboost["Feature"] != "Leaf"]
    for name, value in zip(splits["Feature"], splits["Split"], strict=True):
        found.setdefault(int(str(name).removeprefix("f")), set()).add(float(value))
    lightgbm = learners["lightgbm"].booster_.trees_to_dataframe()
    splits = lightgbm[lightgbm["split_feature"].notna()]
    for name, value in zip(splits["split_feature"], splits["threshold"], strict=True):
        found.setdefault(int(str(name).removeprefix("Column_")), set()).add(float(value))
    return found


def test_they_agree_on_and_on_both_sides_of_every_threshold(
    predictor: ChurnPredictor, path: TreeEnsemble, matrix: Matrix
) -> None:
    rows = []
    for feature, values in thresholds(predictor).items():
        at = np.array(sorted(values), dtype=np.float64).astype(np.float32)
        for near in (
            at,
            np.nextafter(at, np.float32(-np.inf), dtype=np.float32),
            np.nextafter(at, np.float32(np.inf), dtype=np.float32),
        ):
            changed = np.repeat(matrix[:1], len(near), axis=0)
            changed[:, feature] = near
            rows.append(changed)
    near_thresholds = np.concatenate(rows)
    assert len(near_thresholds) > 1000
    gap = np.abs(
        expit(path.log_odds(near_thresholds)) - sealed_probability(predictor, near_thresholds)
    )
    assert gap.max() < 1e-6


def reached(leaf: Leaf, row: list[float]) -> bool:
    return all(low < row[feature] <= high for feature, (low, high) in leaf.intervals.items())


def test_a_row_reaches_one_leaf_of_each_tree_and_their_values_add_up(
    predictor: ChurnPredictor, path: TreeEnsemble, matrix: Matrix
) -> None:
    base, trees = read_trees(predictor.pipeline.named_steps["stack"])
    assert len(trees) == 50 + 170 + 250 + 400
    for row in matrix[:20].tolist():
        values = [[leaf.value for leaf in leaves if reached(leaf, row)] for leaves in trees]
        assert {len(of_tree) for of_tree in values} == {1}
        [found] = path.log_odds(np.array([row], dtype=np.float32))
        assert found == pytest.approx(base + sum(value for (value,) in values), abs=1e-12)


def test_a_bit_is_set_where_the_feature_lies_in_the_interval_of_the_leaf(
    path: TreeEnsemble, matrix: Matrix
) -> None:
    row = matrix[3].tolist()
    found = path.allowed(row)
    assert found.shape == (len(row), len(path.leaves))
    for position, leaf in enumerate(path.leaves):
        expected = [
            leaf is not None and reached(Leaf(0.0, {feature: leaf.intervals[feature]}), row)
            if leaf is None or feature in leaf.intervals
            else True
            for feature in range(len(row))
        ]
        assert found[:, position].tolist() == expected


def test_a_learner_that_splits_categories_is_refused(
    predictor: ChurnPredictor, matrix: Matrix, target: npt.NDArray[np.int64]
) -> None:
    stack = copy.copy(predictor.pipeline.named_steps["stack"])
    learner = LightGBMMargin(n_estimators=5, verbose=-1)
    learner.fit(matrix, target, categorical_feature=[FEATURES.index("Geography")])
    stack.named_estimators_ = {**stack.named_estimators_, "lightgbm": learner}
    with pytest.raises(ValueError, match=r"neither < nor <=\. Train all learners on numbers"):
        TreeEnsemble(stack)


@pytest.mark.parametrize("size", [2, 15, 16, 17, 32, 100])
def test_answers_do_not_depend_on_the_size_of_the_batch(
    predictor: ChurnPredictor, matrix: Matrix, size: int
) -> None:
    rows = matrix[:size]
    together = predictor.probabilities(rows)
    alone = [predictor.probabilities(rows[i : i + 1])[0] for i in range(len(rows))]
    assert alone == together.tolist()


customers = st.builds(
    Customer,
    **{
        name: (
            st.integers(int(bounds.low), int(bounds.high))
            if bounds.whole
            else st.floats(bounds.low, bounds.high)
        )
        | (st.none() if bounds.nullable else st.nothing())
        for name, bounds in NUMBERS.items()
    },
    **{name: st.sampled_from(values) for name, values in CATEGORIES.items()},
)


@settings(max_examples=60, deadline=None)
@given(customer=customers)
def test_any_valid_customer_gets_the_sealed_probability(
    predictor: ChurnPredictor, customer: Customer
) -> None:
    row = predictor.encode([customer])
    assert np.isfinite(row).all()
    [probability] = predictor.probabilities(row)
    assert 0 < probability < 1
    assert logit(probability) == pytest.approx(
        logit(sealed_probability(predictor, row)[0]), abs=1e-5
    )


@settings(max_examples=40, deadline=None)
@given(customer=customers)
def test_activity_never_raises_the_answer_of_constrained_boosters(
    predictor: ChurnPredictor, customer: Customer
) -> None:
    pair = predictor.encode(
        [customer.model_copy(update={"IsActiveMember": active}) for active in (0, 1)]
    )
    learners = predictor.pipeline.named_steps["stack"].named_estimators_
    for name in ("xgboost", "lightgbm"):
        passive, active = learners[name].decision_function(pair)
        assert active <= passive + 1e-6
