"""What a customer is: columns, bounds, the record of a request and the answers to it.

One definition serves the table (`bankchurn.data`), the features (`bankchurn.features`) and the
HTTP interface, so that they cannot drift apart. The names are the business's own, as they stand
in the table.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = [
    "CATEGORIES",
    "FEATURES",
    "IDENTIFIERS",
    "NUMBERS",
    "TARGET",
    "BatchPrediction",
    "Bounds",
    "Customer",
    "Explanation",
    "Gender",
    "Geography",
    "Prediction",
    "RiskLevel",
    "confidence",
    "risk_level",
]

Geography = Literal["France", "Spain", "Germany"]
Gender = Literal["Female", "Male"]
RiskLevel = Literal["LOW", "MEDIUM", "HIGH"]


@dataclass(frozen=True)
class Bounds:
    """The values that a numeric column may take.

    Attributes:
        low: The least value.
        high: The greatest value.
        whole: Whether only whole numbers are meant.
        nullable: Whether the value may be unknown.
    """

    low: float
    high: float
    whole: bool = True
    nullable: bool = False


# The model's ten inputs, in the order of its feature matrix.
FEATURES: Final = (
    "CreditScore",
    "Geography",
    "Gender",
    "Age",
    "Tenure",
    "Balance",
    "NumOfProducts",
    "HasCrCard",
    "IsActiveMember",
    "EstimatedSalary",
)

# A category's code in the feature matrix is its place here. Germany stands at an end because its
# customers differ most from the others: one split of a tree then sets them apart.
CATEGORIES: Final[dict[str, tuple[str, ...]]] = {
    "Geography": get_args(Geography),
    "Gender": get_args(Gender),
}

# Money ends at a billion: far beyond every account, yet it catches a wrong unit.
MAX_MONEY: Final = 1e9

NUMBERS: Final[dict[str, Bounds]] = {
    "CreditScore": Bounds(300, 850),
    "Age": Bounds(18, 100),
    "Tenure": Bounds(0, 10, nullable=True),
    "Balance": Bounds(0, MAX_MONEY, whole=False),
    "NumOfProducts": Bounds(1, 4),
    "HasCrCard": Bounds(0, 1),
    "IsActiveMember": Bounds(0, 1),
    "EstimatedSalary": Bounds(0, MAX_MONEY, whole=False),
}

TARGET: Final = "Exited"

# More than a customer has, so that a few unknown fields are still named one by one.
MAX_FIELDS: Final = 50
IDENTIFIERS: Final = ("RowNumber", "CustomerId", "Surname")


def risk_level(probability: float) -> RiskLevel:
    """LOW below 0.3, MEDIUM below 0.7, HIGH from there."""
    if probability < 0.3:  # noqa: PLR2004 - the three levels are defined here and nowhere else
        return "LOW"
    return "MEDIUM" if probability < 0.7 else "HIGH"  # noqa: PLR2004


def confidence(probability: float) -> float:
    """How far a probability is from a coin's toss: 0 at one half, 1 at either end."""
    return abs(probability - 0.5) * 2


def _number(value: object) -> object:
    # Lax parsing would read "42" and true as numbers; a client that sends them has a mistake.
    if isinstance(value, str | bool):
        raise ValueError("Input should be a number, not text or a truth value")  # noqa: TRY004
    return value


def _flag(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("Input should be 0 or 1, not text")  # noqa: TRY004
    return value


def _in_bounds(column: str) -> Any:  # noqa: ANN401 - pydantic's FieldInfo is untyped by design
    bounds = NUMBERS[column]
    return Field(ge=bounds.low, le=bounds.high)


class Customer(BaseModel):
    """One customer, as the bank knows them.

    ``Tenure`` may be null or left out: the model then takes the training data's median.
    Whole numbers may be written as ``2`` or ``2.0``.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {
                    "CreditScore": 619,
                    "Geography": "France",
                    "Gender": "Female",
                    "Age": 42,
                    "Tenure": 2,
                    "Balance": 0.0,
                    "NumOfProducts": 1,
                    "HasCrCard": 1,
                    "IsActiveMember": 1,
                    "EstimatedSalary": 101348.88,
                }
            ]
        },
    )

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, record: object) -> object:
        # Every unknown field is an error of its own; a megabyte of them would take seconds.
        if isinstance(record, dict) and len(record) > MAX_FIELDS:
            raise ValueError(f"A customer has at most {MAX_FIELDS} fields")
        return record

    CreditScore: Annotated[int, BeforeValidator(_number), _in_bounds("CreditScore")]
    Geography: Geography
    Gender: Gender
    Age: Annotated[int, BeforeValidator(_number), _in_bounds("Age")]
    Tenure: Annotated[int, BeforeValidator(_number), _in_bounds("Tenure")] | None = None
    Balance: Annotated[float, BeforeValidator(_number), _in_bounds("Balance")]
    NumOfProducts: Annotated[int, BeforeValidator(_number), _in_bounds("NumOfProducts")]
    HasCrCard: Annotated[int, BeforeValidator(_flag), _in_bounds("HasCrCard")]
    IsActiveMember: Annotated[int, BeforeValidator(_flag), _in_bounds("IsActiveMember")]
    EstimatedSalary: Annotated[float, BeforeValidator(_number), _in_bounds("EstimatedSalary")]


Probability = Annotated[float, Field(ge=0, le=1)]


class Explanation(BaseModel):
    """Why a probability is what it is: exact interventional Shapley values.

    Attributes:
        method: How the values were computed.
        background_version: Which background customers the values compare with.
        base_log_odds: The mean log-odds of the background customers.
        log_odds_contributions: What each feature adds to the log-odds. With ``base_log_odds``
            they sum to ``log_odds``.
        log_odds: The customer's log-odds.
        base_probability: The probability that ``base_log_odds`` stands for.
        probability_contributions: The same values in points of probability: each log-odds
            contribution times one factor, ``(p - p0) / (log_odds - base_log_odds)``. They keep
            their signs, order and proportions, and with ``base_probability`` they sum to the
            customer's probability. They are a summary; the log-odds are what is exact.
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
    """The answer for one customer.

    Attributes:
        churn_probability: The probability that the customer leaves.
        churn_prediction: 1 where that is at or above ``threshold``, else 0.
        threshold: The decision threshold that training chose.
        risk_level: LOW below 0.3, MEDIUM below 0.7, HIGH from there.
        confidence: ``|p - 0.5| * 2``.
        feature_contributions: With ``explain=true``, the explanation's
            ``probability_contributions``; else empty.
        explanation: With ``explain=true``, the whole explanation; else null.
        model_version: The version of the sealed model.
        prediction_timestamp: When it was computed, in UTC.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    churn_probability: Probability
    churn_prediction: Literal[0, 1]
    threshold: Probability
    risk_level: RiskLevel
    confidence: Probability
    feature_contributions: dict[str, float] = Field(default_factory=dict)
    explanation: Explanation | None = None
    model_version: str
    prediction_timestamp: datetime


class BatchPrediction(BaseModel):
    """The answers for a batch, in the order of its customers."""

    model_config = ConfigDict(frozen=True)

    predictions: list[Prediction]
    batch_id: str
    total_customers: int
    processing_time_seconds: float
