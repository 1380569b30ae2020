"""Responses of the HTTP interface."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from servicekit.answer_warnings import AnswerWarning

Probability = Annotated[float, Field(ge=0, le=1)]


class Prediction(BaseModel):
    """The prediction for one transaction.

    Attributes:
        probability: Probability that the transaction is disputed.
        prediction: 1 if the probability is at least ``threshold``, else 0.
        threshold: The decision threshold of the model.
        warnings: Values of the transaction that lie outside the training data.
        model_version: Version of the sealed model.
        prediction_timestamp: Time of the prediction, in UTC.
        prediction_id: Its name in the prediction log, by which its outcome may be reported; null
            if it is not logged.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    probability: Probability
    prediction: Literal[0, 1]
    threshold: Probability
    warnings: list[AnswerWarning]
    model_version: str
    prediction_timestamp: datetime
    prediction_id: str | None = None


class BatchPrediction(BaseModel):
    """The predictions for a batch, in the order of its records."""

    model_config = ConfigDict(frozen=True)

    predictions: list[Prediction]
    batch_id: str
    total_records: int
    processing_time_seconds: float
