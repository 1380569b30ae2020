"""Responses of the HTTP interface: predictions and their explanations."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from servicekit.answer_warnings import AnswerWarning

RiskLevel = Literal["LOW", "MEDIUM", "HIGH"]

Probability = Annotated[float, Field(ge=0, le=1)]


def risk_level(probability: float) -> RiskLevel:
    """LOW below 0.3, MEDIUM below 0.7, else HIGH."""
    if probability < 0.3:  # noqa: PLR2004 - the three levels are defined here and nowhere else
        return "LOW"
    return "MEDIUM" if probability < 0.7 else "HIGH"  # noqa: PLR2004


def confidence(probability: float) -> float:
    """Distance of a probability from one half, scaled to 0 to 1."""
    return abs(probability - 0.5) * 2


class Explanation(BaseModel):
    """Exact interventional Shapley values of one prediction.

    Attributes:
        method: Method of computation.
        background_version: Version of the background customers that the values compare with.
        base_log_odds: The mean log-odds of the background customers.
        log_odds_contributions: Contribution of each feature to the log-odds. With
            ``base_log_odds``, they sum to ``log_odds``.
        log_odds: The customer's log-odds.
        base_probability: ``base_log_odds`` as a probability.
        probability_contributions: The same values in points of probability: each log-odds
            contribution times one factor, ``(p - p0) / (log_odds - base_log_odds)``. They keep
            their signs, order and proportions, and with ``base_probability`` they sum to the
            customer's probability. They are a summary; only the log-odds are exact.
    """

    model_config = ConfigDict(frozen=True)

    method: str
    background_version: str
    base_log_odds: float
    log_odds_contributions: dict[str, float]
    log_odds: float
    base_probability: Probability
    probability_contributions: dict[str, float]


class Prediction(BaseModel):
    """The prediction for one customer.

    Attributes:
        churn_probability: The probability that the customer leaves.
        churn_prediction: 1 if the probability is at least ``threshold``, else 0.
        threshold: The decision threshold chosen by training.
        risk_level: LOW below 0.3, MEDIUM below 0.7, else HIGH.
        confidence: ``|p - 0.5| * 2``.
        feature_contributions: With ``explain=true``, the explanation's
            ``probability_contributions``; else empty.
        explanation: With ``explain=true``, the whole explanation; else null.
        warnings: Values of the customer that lie outside the training data.
        model_version: Version of the sealed model.
        prediction_timestamp: Time of the prediction, in UTC.
        prediction_id: Its name in the prediction log, by which its outcome may be reported; null
            if it is not logged.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    churn_probability: Probability
    churn_prediction: Literal[0, 1]
    threshold: Probability
    risk_level: RiskLevel
    confidence: Probability
    feature_contributions: dict[str, float] = Field(default_factory=dict)
    explanation: Explanation | None = None
    warnings: list[AnswerWarning] = Field(default_factory=list)
    model_version: str
    prediction_timestamp: datetime
    prediction_id: str | None = None


class BatchPrediction(BaseModel):
    """The predictions for a batch, in the order of its customers."""

    model_config = ConfigDict(frozen=True)

    predictions: list[Prediction]
    batch_id: str
    total_customers: int
    processing_time_seconds: float
