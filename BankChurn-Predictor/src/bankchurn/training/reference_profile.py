"""The reference profile that is sealed with a model: reports compare the prediction log with it."""

import numpy as np
import pandas as pd
from modelwatch.profile import Column, ReferenceProfile, Task, make_profile

from bankchurn.arrays import Float64Array
from bankchurn.evaluation.metrics import Metrics
from bankchurn.prediction_log import SCHEMA
from bankchurn.responses import risk_level
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS


def reference_profile(
    table: pd.DataFrame, probability: Float64Array, *, threshold: float, metrics: Metrics
) -> ReferenceProfile:
    """Describe customers that a model was not trained on, and its answers.

    Args:
        table: Validated customers.
        probability: Their probabilities of churn.
        threshold: Minimum probability that is predicted as churn.
        metrics: The metrics of these customers.
    """
    scores: list[float] = probability.tolist()
    performance = {"auc": metrics.auc, "log_loss": metrics.log_loss, "brier": metrics.brier}
    return make_profile(
        SCHEMA,
        features={name: _column(table, name) for name in FEATURES},
        outputs={
            "churn_probability": scores,
            "churn_prediction": [float(score >= threshold) for score in scores],
            "risk_level": [risk_level(score) for score in scores],
        },
        group_edges={
            name: NUMBERS[name].groups for name in SCHEMA.groups if name not in CATEGORIES
        },
        task=Task(
            kind="binary",
            output="churn_probability",
            performance={name: value for name, value in performance.items() if value is not None},
        ),
    )


def _column(table: pd.DataFrame, name: str) -> Column:
    if name in CATEGORIES:
        return list(map(str, table[name]))
    column: list[float] = table[name].to_numpy(dtype=np.float64, na_value=np.nan).tolist()
    return column
