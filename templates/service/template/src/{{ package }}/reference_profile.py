"""The reference profile that is sealed with a model: reports compare the prediction log with it."""

from modelwatch.profile import Column, ReferenceProfile, Task, make_profile

from {{ package }}.arrays import Float64Array
from {{ package }}.data import Table
from {{ package }}.evaluation import Metrics
from {{ package }}.prediction_log import SCHEMA
from {{ package }}.schema import CATEGORIES, FEATURES


def reference_profile(
    table: Table, probability: Float64Array, *, threshold: float, metrics: Metrics
) -> ReferenceProfile:
    """Describe records that a model was not trained on, and its answers.

    Args:
        table: The records.
        probability: Their probabilities.
        threshold: Probability from which 1 is predicted.
        metrics: The metrics of these records.
    """
    performance = {"auc": metrics.auc, "log_loss": metrics.log_loss, "brier": metrics.brier}
    return make_profile(
        SCHEMA,
        features={name: _column(name, table) for name in FEATURES},
        outputs={
            "probability": probability.tolist(),
            "prediction": (probability >= threshold).astype(float).tolist(),
        },
        task=Task(
            kind="binary",
            output="probability",
            performance={name: value for name, value in performance.items() if value is not None},
        ),
    )


def _column(name: str, table: Table) -> Column:
    values: list[float] = table.values[:, FEATURES.index(name)].tolist()
    if name not in CATEGORIES:
        return values
    return [CATEGORIES[name][int(value)] for value in values]
