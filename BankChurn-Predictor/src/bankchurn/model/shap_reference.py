"""The Shapley values of `shap.TreeExplainer`, which a model's own must equal before it is sealed.

shap takes over a second to import and twenty times as long for an explanation, so a service does
not load it.
"""

import warnings
from typing import Any, Final

import numpy as np
from sklearn.ensemble import StackingClassifier

from bankchurn.arrays import Float64Array
from bankchurn.features import Matrix
from bankchurn.model.explanation import ShapleyExplainer
from bankchurn.model.stack import LEARNERS

# shap adds in another order, and XGBoost's margins are float32.
_TOLERANCE: Final = 1e-5


class ShapDifferenceError(RuntimeError):
    """The contributions differ from those of `shap.TreeExplainer`."""


def shap_contributions(
    stack: StackingClassifier, background: Matrix, matrix: Matrix
) -> Float64Array:
    """The contribution of each feature to the log-odds of each row, by `shap.TreeExplainer`.

    Args:
        stack: The fitted stack.
        background: Rows of the feature matrix to compare with.
        matrix: Rows of the feature matrix to explain.
    """
    with warnings.catch_warnings():
        # Where matplotlib is installed, shap's plots use deprecated functions.
        warnings.simplefilter("ignore")
        from shap import TreeExplainer
    total = np.zeros(matrix.shape, dtype=np.float64)
    for name, weight in zip(LEARNERS, stack.final_estimator_.coef_[0].tolist(), strict=True):
        explainer = TreeExplainer(
            _trees_of(stack, name),
            background,
            feature_perturbation="interventional",
            model_output="raw",
        )
        values = explainer.shap_values(matrix, check_additivity=False)
        # The forest has values for both classes; churn is the second.
        total += weight * (values[..., 1] if values.ndim == total.ndim + 1 else values)
    return total


def check_contributions(
    stack: StackingClassifier, explainer: ShapleyExplainer, matrix: Matrix
) -> None:
    """Compare an explainer with shap.

    Args:
        stack: The fitted stack.
        explainer: Its explainer.
        matrix: Rows of the feature matrix to explain by both.

    Raises:
        ShapDifferenceError: They differ.
    """
    expected = shap_contributions(stack, explainer.background.matrix, matrix)
    gap = np.abs(explainer.contributions(matrix) - expected).max()
    # Not `gap > _TOLERANCE`, which NaN would pass.
    if not gap <= _TOLERANCE:
        raise ShapDifferenceError(
            f"The contributions differ from those of shap.TreeExplainer by {gap:.3g}; "
            f"{_TOLERANCE:g} is allowed."
        )


def _trees_of(stack: StackingClassifier, name: str) -> Any:  # noqa: ANN401 - four libraries' models
    learner = stack.named_estimators_[name]
    if name == "xgboost":
        return learner.get_booster()
    return learner.booster_ if name == "lightgbm" else learner
