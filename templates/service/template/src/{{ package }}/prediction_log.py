"""What the service logs of each answer: the inputs of the model, and the outputs.

The inputs follow from `Record`. One that identifies somebody does not belong into the log: leave it
out of ``features``.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from modelseal import OpenedModel
from modelwatch.log import LogSchema
from modelwatch.shadow import AnswerRows

from {{ package }}.model import Predictor
from {{ package }}.responses import Prediction
from {{ package }}.schema import CATEGORIES, FEATURES, Record

SCHEMA: Final = LogSchema(
    features={name: "category" if name in CATEGORIES else "number" for name in FEATURES},
    outputs={"probability": "number", "prediction": "number"},
    groups=tuple(CATEGORIES),
)


def challenger(opened: OpenedModel) -> AnswerRows:
    """What answers records in the process of the shadow.

    Raises:
        TypeError: The model is one of another service.
    """
    predictor, version = opened.predictor, opened.manifest.version
    if not isinstance(predictor, Predictor):
        raise TypeError(f"SHADOW_MODEL_DIR holds a model of another service: {type(predictor)}")

    def answer(
        rows: Sequence[Mapping[str, object]],
    ) -> tuple[Sequence[Mapping[str, object]], Sequence[Prediction]]:
        records = [Record.model_validate(row) for row in rows]
        return rows, predictor.answer(records, model_version=version)

    return answer
