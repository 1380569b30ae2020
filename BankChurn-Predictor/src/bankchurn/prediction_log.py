"""What the service logs of each answer: the inputs of the model, and the outputs.

Derived from `bankchurn.schema`, which has nothing that identifies a customer.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from modelseal import OpenedModel
from modelwatch.log import LogSchema
from modelwatch.shadow import AnswerRows

from bankchurn.model.predictor import ChurnPredictor
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


def challenger(opened: OpenedModel) -> AnswerRows:
    """What answers customers in the process of the shadow.

    Raises:
        TypeError: The model is one of another service.
    """
    predictor, version = opened.predictor, opened.manifest.version
    if not isinstance(predictor, ChurnPredictor):
        raise TypeError(f"SHADOW_MODEL_DIR holds a model of another service: {type(predictor)}")

    def answer(
        rows: Sequence[Mapping[str, object]],
    ) -> tuple[Sequence[Mapping[str, object]], Sequence[Prediction]]:
        customers = [Customer.model_validate(row) for row in rows]
        return rows, predictor.answer(customers, model_version=version)

    return answer
