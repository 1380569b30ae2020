import copy
from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt
import pytest
from bankchurn.features import Matrix
from bankchurn.model.explanation import (
    AdditivityError,
    Background,
    ShapleyExplainer,
    in_probability,
)
from bankchurn.model.fast_ensemble import TreeEnsemble
from bankchurn.model.leaves import Leaf
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.model.shap_reference import (
    ShapDifferenceError,
    check_contributions,
    shap_contributions,
)
from bankchurn.model.stack import probabilities
from bankchurn.schema import FEATURES
from scipy.special import expit


@pytest.fixture(scope="module")
def path(predictor: ChurnPredictor) -> TreeEnsemble:
    return TreeEnsemble(predictor.pipeline.named_steps["stack"])


@pytest.fixture(scope="module")
def explainer(path: TreeEnsemble, matrix: Matrix) -> ShapleyExplainer:
    background = Background.sample(matrix, size=20, seed=1)
    return ShapleyExplainer(path, background)


def brute_force(
    predictor: ChurnPredictor, row: Matrix, background: Matrix
) -> npt.NDArray[np.float64]:
    """Shapley values by their definition, over all 1,024 coalitions, from the sealed pipeline."""
    count = len(FEATURES)
    coalitions = [
        frozenset(c) for size in range(count + 1) for c in combinations(range(count), size)
    ]
    mixed = []
    for coalition in coalitions:
        rows = background.copy()
        rows[:, sorted(coalition)] = row[sorted(coalition)]
        mixed.append(rows)
    margins = predictor.pipeline.named_steps["stack"].decision_function(np.concatenate(mixed))
    worth = dict(zip(coalitions, margins.reshape(len(coalitions), -1).mean(axis=1), strict=True))
    values = np.zeros(count)
    for feature in range(count):
        for coalition in coalitions:
            if feature not in coalition:
                weight = (
                    factorial(len(coalition))
                    * factorial(count - len(coalition) - 1)
                    / factorial(count)
                )
                values[feature] += weight * (worth[coalition | {feature}] - worth[coalition])
    return values


@pytest.mark.parametrize("row", [0, 7, 11])
def test_contributions_equal_enumeration_over_all_coalitions(
    predictor: ChurnPredictor, explainer: ShapleyExplainer, matrix: Matrix, row: int
) -> None:
    [found] = explainer.contributions(matrix[row : row + 1])
    expected = brute_force(predictor, matrix[row], explainer.background.matrix)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_contributions_equal_those_of_shap(
    predictor: ChurnPredictor, explainer: ShapleyExplainer, matrix: Matrix
) -> None:
    rows = matrix[:100]
    stack = predictor.pipeline.named_steps["stack"]
    expected = shap_contributions(stack, explainer.background.matrix, rows)
    np.testing.assert_allclose(explainer.contributions(rows), expected, atol=1e-6)


def test_contributions_that_shap_does_not_give_are_an_error(
    predictor: ChurnPredictor, explainer: ShapleyExplainer, matrix: Matrix
) -> None:
    stack = copy.deepcopy(predictor.pipeline.named_steps["stack"])
    check_contributions(stack, explainer, matrix[:5])
    stack.final_estimator_.coef_[0, 0] += 0.1
    with pytest.raises(ShapDifferenceError, match=r"differ from .*shap\.TreeExplainer by 0\.\d+"):
        check_contributions(stack, explainer, matrix[:5])


def test_a_leaf_of_more_features_than_are_tabulated_is_refused(
    path: TreeEnsemble, matrix: Matrix
) -> None:
    deep = copy.copy(path)
    every_feature = Leaf(1.0, dict.fromkeys(range(9), (-np.inf, 1.0)))
    deep.leaves = [every_feature, *path.leaves[1:]]
    with pytest.raises(ValueError, match="depends on 9 features; explanations support 8"):
        ShapleyExplainer(deep, Background(matrix[:5]))


def test_contributions_sum_to_the_log_odds_of_the_ensemble(
    explainer: ShapleyExplainer, path: TreeEnsemble, matrix: Matrix
) -> None:
    rows = matrix[:100]
    totals = explainer.base_log_odds + explainer.contributions(rows).sum(axis=1)
    np.testing.assert_allclose(totals, path.log_odds(rows), atol=1e-6)


def test_points_of_probability_add_up_to_the_probability(
    predictor: ChurnPredictor, explainer: ShapleyExplainer, matrix: Matrix
) -> None:
    rows = matrix[:50]
    for explanation, probability in zip(
        explainer.explain(rows), predictor.probabilities(rows), strict=True
    ):
        total = explanation.base_probability + sum(explanation.probability_contributions.values())
        assert total == pytest.approx(probability, abs=1e-6)
        assert explanation.log_odds == pytest.approx(
            explanation.base_log_odds + sum(explanation.log_odds_contributions.values())
        )
        assert list(explanation.log_odds_contributions) == list(FEATURES)


def test_points_of_probability_keep_signs_and_proportions(
    explainer: ShapleyExplainer, matrix: Matrix
) -> None:
    values = explainer.contributions(matrix[:20])
    points = in_probability(values, explainer.base_log_odds)
    ratios = points / values
    assert (ratios > 0).all()
    np.testing.assert_allclose(ratios, ratios[:, :1].repeat(len(FEATURES), axis=1))


def test_contributions_that_cancel_take_the_slope_of_the_curve() -> None:
    points = in_probability(np.array([[1.0, -1.0], [0.0, 0.0]]), 0.0)
    np.testing.assert_allclose(points, [[0.25, -0.25], [0.0, 0.0]])


def test_the_slope_is_continuous_where_the_log_odds_reach_the_base() -> None:
    shifts = np.array([[1e-8], [1e-6], [1.1e-6], [1e-4]])
    slopes = in_probability(shifts, -1.2) / shifts
    base = expit(-1.2)
    np.testing.assert_allclose(slopes, base * (1 - base), rtol=1e-4)


def test_a_background_survives_its_json_and_knows_when_it_does_not(matrix: Matrix) -> None:
    background = Background.sample(matrix, size=10, seed=2)
    again = Background.from_json(background.to_json())
    assert again.version == background.version
    np.testing.assert_array_equal(again.matrix, background.matrix)
    damaged = background.to_json().replace(background.version.encode(), b"0" * 12)
    with pytest.raises(ValueError, match="does not have the digest that is its version"):
        Background.from_json(damaged)


def test_the_same_seed_draws_the_same_background(matrix: Matrix) -> None:
    versions = [Background.sample(matrix, size=30, seed=seed).version for seed in (4, 4, 5)]
    assert versions[0] == versions[1] != versions[2]


def test_values_that_do_not_add_up_are_never_returned(path: TreeEnsemble, matrix: Matrix) -> None:
    explainer = ShapleyExplainer(path, Background(matrix[:5]))
    explainer.base_log_odds += 0.001
    with pytest.raises(AdditivityError, match=r"differ from the log-odds by 0\.001"):
        explainer.contributions(matrix[:1])


def test_the_base_is_the_mean_of_the_background(
    explainer: ShapleyExplainer, path: TreeEnsemble
) -> None:
    assert explainer.base_log_odds == pytest.approx(
        path.log_odds(explainer.background.matrix).mean()
    )


def test_a_background_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="one column per feature"):
        Background(np.zeros((3, 9), dtype=np.float32))


def test_probabilities_of_the_table_are_those_of_the_matrix(
    predictor: ChurnPredictor, sample: object, matrix: Matrix
) -> None:
    np.testing.assert_array_equal(
        probabilities(predictor.pipeline, sample),  # type: ignore[arg-type]
        predictor.pipeline.named_steps["stack"].predict_proba(matrix)[:, 1],
    )
