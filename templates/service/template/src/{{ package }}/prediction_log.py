"""What the service logs of each answer: the inputs of the model, and the outputs.

The inputs follow from `Record`. One that identifies somebody does not belong into the log: leave it
out of ``features``.
"""

from collections.abc import Sequence
from typing import Final

from modelwatch.log import LogSchema, ServiceLog
from servicekit import Runtime

from {{ package }}.responses import Prediction
from {{ package }}.schema import CATEGORIES, FEATURES, Record

SCHEMA: Final = LogSchema(
    features={name: "category" if name in CATEGORIES else "number" for name in FEATURES},
    outputs={"probability": "number", "prediction": "number"},
    groups=tuple(CATEGORIES),
)



def record(
    log: ServiceLog, runtime: Runtime, records: Sequence[Record], predictions: Sequence[Prediction]
) -> None:
    """Record the answers to a request."""
    if log.log is not None:
        log.record(runtime, list(map(vars, records)), predictions)
