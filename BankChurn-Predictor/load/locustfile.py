"""The questions of `make load-test`: single customers, batches, explanations and mistakes."""

import json
import random
from typing import Any, Final

from load_user import LoadUser
from questions import (
    Answer,
    Facts,
    Kind,
    Question,
    invalid,
    model_info,
    require,
    require_range,
    require_sum,
)

Customer = dict[str, Any]

BATCH: Final = 50
DRAW: Final = random.Random(42)  # noqa: S311 - no secret


def _customer() -> Customer:
    return {
        "CreditScore": DRAW.randint(350, 850),
        "Geography": DRAW.choice(["France", "Spain", "Germany"]),
        "Gender": DRAW.choice(["Female", "Male"]),
        "Age": DRAW.randint(18, 90),
        "Tenure": DRAW.choice([None, *range(11)]),
        "Balance": DRAW.choice([0.0, round(DRAW.uniform(10_000, 200_000), 2)]),
        "NumOfProducts": DRAW.randint(1, 4),
        "HasCrCard": DRAW.randint(0, 1),
        "IsActiveMember": DRAW.randint(0, 1),
        "EstimatedSalary": round(DRAW.uniform(10_000, 190_000), 2),
    }


CUSTOMERS: Final = [_customer() for _ in range(100)]


def _prediction(customer: Customer, found: dict[str, Any]) -> Facts:
    """Check a prediction; it is the same alone, in a batch and with an explanation."""
    probability = found["churn_probability"]
    require_range(probability, 0, 1, "churn_probability")
    is_churn = probability >= found["threshold"]
    require(found["churn_prediction"] == int(is_churn), "churn_prediction is not by the threshold")
    level = "LOW" if probability < 0.3 else "MEDIUM" if probability < 0.7 else "HIGH"  # noqa: PLR2004
    require(found["risk_level"] == level, "risk_level is not that of the probability")
    require_sum([abs(probability - 0.5) * 2], found["confidence"], "distances to one half")
    same = ("churn_probability", "threshold", "risk_level", "warnings", "model_version")
    return {json.dumps(customer): {name: found[name] for name in same}}


def _single(customer: Customer) -> Question:
    def check(answer: Answer) -> Facts:
        require(answer.body["explanation"] is None, "an explanation that was not asked for")
        return _prediction(customer, answer.body)

    return Question("/predict", check, customer)


def _explained(customer: Customer) -> Question:
    def check(answer: Answer) -> Facts:
        found = answer.body
        explanation = found["explanation"]
        for base, parts, total in (
            ("base_log_odds", "log_odds_contributions", explanation["log_odds"]),
            ("base_probability", "probability_contributions", found["churn_probability"]),
        ):
            contributions = explanation[parts]
            require(contributions.keys() == customer.keys(), f"{parts} are of other features")
            require_sum([explanation[base], *contributions.values()], total, parts)
        return _prediction(customer, found) | {f"explain {json.dumps(customer)}": explanation}

    return Question("/predict?explain=true", check, customer)


def _batch(customers: list[Customer]) -> Question:
    def check(answer: Answer) -> Facts:
        found = answer.body
        require(found["total_customers"] == len(customers), "another number of customers")
        facts: Facts = {}
        for customer, prediction in zip(customers, found["predictions"], strict=True):
            facts |= _prediction(customer, prediction)
        return facts

    return Question("/predict_batch", check, {"customers": customers})


class BankChurnUser(LoadUser):
    """Most ask for one prediction; some for an explanation or a batch, and some by mistake."""

    mix = [  # noqa: RUF012 - declared as a class variable
        Kind("predict", 70, [_single(one) for one in CUSTOMERS]),
        Kind("explain", 8, [_explained(one) for one in CUSTOMERS[:30]]),
        Kind("batch", 8, [_batch(DRAW.sample(CUSTOMERS, BATCH)) for _ in range(10)]),
        Kind("model info", 4, [model_info()]),
        Kind(
            "invalid",
            10,
            [
                invalid("/predict", {}),
                invalid("/predict", CUSTOMERS[0] | {"CreditScore": 9999, "Geography": "Atlantis"}),
                invalid("/predict", CUSTOMERS[0] | {"Unknown": 1}),
                invalid("/predict", CUSTOMERS[0] | {"Age": "42"}),
                invalid("/predict?explain=perhaps", CUSTOMERS[0]),
                invalid("/predict_batch", {"customers": []}),
                invalid("/predict_batch", {"customers": [CUSTOMERS[0], {"Age": -1}]}),
            ],
        ),
    ]
