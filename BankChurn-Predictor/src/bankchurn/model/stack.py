"""The margin stack: four tree ensembles whose margins a logistic regression adds up.

Each base learner passes on its *margin*: the boosters their log-odds, the forest its probability.
The stack's log-odds are therefore one linear combination of sums of trees. That makes its Shapley
values exact and cheap (`bankchurn.model.explanation`) and lets its trees be evaluated as one
ensemble (`bankchurn.model.fast_ensemble`).
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from joblib import parallel_config
from lightgbm import LGBMClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from xgboost import XGBClassifier

from bankchurn.arrays import Float64Array, Int64Array
from bankchurn.features import CustomerEncoder, Matrix
from bankchurn.schema import FEATURES, NUMBERS

LEARNERS: Final = ("forest", "gradient_boosting", "xgboost", "lightgbm")

_MONOTONE: Final = [NUMBERS[name].monotone if name in NUMBERS else 0 for name in FEATURES]

# Found by cross-validation with other seeds than those of the reported quality. Small steps and
# small trees; the forest's leaves are large because an explanation visits all of its nodes.
PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "forest": {
        "n_estimators": 50,
        "max_depth": 8,
        "min_samples_leaf": 10,
        "max_features": 4,
    },
    "gradient_boosting": {
        "n_estimators": 170,
        "learning_rate": 0.035,
        "max_depth": 4,
        "subsample": 0.6,
    },
    "xgboost": {
        "n_estimators": 250,
        "learning_rate": 0.03,
        "max_depth": 4,
        "min_child_weight": 3.0,
        "subsample": 0.6,
        "colsample_bytree": 0.7,
        "reg_lambda": 1.0,
        "tree_method": "hist",
        "monotone_constraints": f"({','.join(map(str, _MONOTONE))})",
    },
    "lightgbm": {
        "n_estimators": 400,
        "learning_rate": 0.02,
        "num_leaves": 8,
        "subsample": 0.6,
        "subsample_freq": 1,
        "colsample_bytree": 0.7,
        "monotone_constraints": _MONOTONE,
    },
    # Newton's method converges to the last digit on four columns.
    "final": {"C": 0.1, "solver": "newton-cholesky"},
    "stacking": {"folds": 3},
}


class ForestMargin(RandomForestClassifier):  # type: ignore[misc]  # sklearn is untyped
    """A random forest whose margin is its probability: a mean of trees stays a sum of trees."""

    def decision_function(self, matrix: Matrix) -> Float64Array:
        """The probability of churn."""
        return np.asarray(self.predict_proba(matrix)[:, 1], dtype=np.float64)


class XGBoostMargin(XGBClassifier):
    """XGBoost whose margin is the log-odds of churn."""

    def decision_function(self, matrix: Matrix) -> Float64Array:
        """The log-odds of churn."""
        return np.asarray(self.predict(matrix, output_margin=True), dtype=np.float64)


class LightGBMMargin(LGBMClassifier):
    """LightGBM whose margin is the log-odds of churn."""

    def decision_function(self, matrix: Matrix) -> Float64Array:
        """The log-odds of churn."""
        return np.asarray(self.predict(matrix, raw_score=True), dtype=np.float64)


def make_pipeline(seed: int) -> Pipeline:
    """The unfitted pipeline: features, then the stack. Predictions run on one thread."""
    stack = StackingClassifier(
        estimators=[
            ("forest", ForestMargin(**PARAMETERS["forest"], random_state=seed)),
            (
                "gradient_boosting",
                GradientBoostingClassifier(**PARAMETERS["gradient_boosting"], random_state=seed),
            ),
            ("xgboost", XGBoostMargin(**PARAMETERS["xgboost"], random_state=seed, n_jobs=1)),
            (
                "lightgbm",
                # `deterministic` makes the result independent of the number of threads.
                LightGBMMargin(
                    **PARAMETERS["lightgbm"],
                    random_state=seed,
                    n_jobs=1,
                    deterministic=True,
                    force_row_wise=True,
                    verbose=-1,
                ),
            ),
        ],
        final_estimator=LogisticRegression(**PARAMETERS["final"]),
        cv=StratifiedKFold(PARAMETERS["stacking"]["folds"], shuffle=True, random_state=seed),
        stack_method="decision_function",
    )
    return Pipeline([("features", CustomerEncoder()), ("stack", stack)])


def fit_pipeline(table: pd.DataFrame, target: Int64Array, *, seed: int) -> Pipeline:
    """Fit the stack.

    Args:
        table: Customers, with at least the columns of `FEATURES`.
        target: 1 for a customer who left, else 0.
        seed: Random seed. The same seed gives the same model.
    """
    pipeline = make_pipeline(seed)
    # Threads, not processes: the learners release the interpreter's lock while they grow trees,
    # and a process would have to import everything again.
    with parallel_config(backend="threading"):
        pipeline.set_params(stack__n_jobs=-1)
        pipeline.fit(table, target)
    pipeline.set_params(stack__n_jobs=None)
    return pipeline


def probabilities(pipeline: Pipeline, table: pd.DataFrame) -> Float64Array:
    """The stack's probability of churn for each customer of a table."""
    return np.asarray(pipeline.predict_proba(table)[:, 1], dtype=np.float64)


def learner_probabilities(pipeline: Pipeline, table: pd.DataFrame) -> dict[str, Float64Array]:
    """The probability of churn from each base learner alone, to compare with the stack."""
    matrix = pipeline.named_steps["features"].transform(table)
    learners = pipeline.named_steps["stack"].named_estimators_
    return {
        name: np.asarray(learners[name].predict_proba(matrix)[:, 1], dtype=np.float64)
        for name in LEARNERS
    }
