"""What the service logs of each answer: the inputs of the model, and the outputs.

Derived from `bankchurn.schema`, which has nothing that identifies a customer.
"""

from collections.abc import Sequence
from typing import Final

from modelwatch.log import LogSchema, ServiceLog
from servicekit import Runtime

from bankchurn.responses import Prediction
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS, Customer

SCHEMA: Final = LogSchema(
    features={name: "category" if name in CATEGORIES else "number" for name in FEATURES},
    outputs={
        "churn_probability": "number",
        "churn_prediction": "number",
        "risk_level": "category",
    },
    groups=tuple(name for name in FEATURES if name in CATEGORIES or NUMBERS[name].groups),
)


def record(
    log: ServiceLog,
    runtime: Runtime,
    customers: Sequence[Customer],
    predictions: Sequence[Prediction],
) -> None:
    """Record the answers to a request."""
    if log.log is not None:
        log.record(runtime, list(map(vars, customers)), predictions)
