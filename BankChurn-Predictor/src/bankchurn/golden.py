"""The customers that a sealed model must answer as it did when it was trained.

They are made up: a manifest is read by many, and a real customer does not belong in it.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

from pinproof import GoldenSet, Tolerance

from bankchurn.model import ChurnPredictor
from bankchurn.sample import generate_sample
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS, Customer

__all__ = ["golden_customers", "make_golden_set"]

CUSTOMERS: Final = 48

# Sums of floats may differ in their last digits between processors, and no more.
_TOLERANCE: Final = Tolerance(absolute=1e-6)
_CONTRIBUTIONS: Final = Tolerance(absolute=1e-5)


def golden_customers(size: int = CUSTOMERS) -> list[Customer]:
    """Customers at the ends of every scale, with a blank Tenure, and ordinary ones."""
    extremes = list(_extremes())
    sample = generate_sample(max(size - len(extremes), 1), seed=7, blank_tenure=0.2)
    records = sample[list(FEATURES)].to_dict(orient="records")
    ordinary = [
        Customer.model_validate(
            record | {"Tenure": None if record["Tenure"] != record["Tenure"] else record["Tenure"]}
        )
        for record in records
    ]
    return (extremes + ordinary)[:size]


def make_golden_set(predictor: ChurnPredictor, customers: Sequence[Customer]) -> GoldenSet:
    """Customers, and what a model in memory answers to them."""
    inputs = tuple(customer.model_dump(mode="json") for customer in customers)
    outputs = {name: tuple(values) for name, values in predictor.replay(inputs).items()}
    tolerances = {
        name: _CONTRIBUTIONS if name == "log_odds_contributions" else _TOLERANCE for name in outputs
    }
    return GoldenSet(inputs=inputs, outputs=outputs, tolerances=tolerances)


def _extremes() -> Iterator[Customer]:
    middle: dict[str, object] = {
        "CreditScore": 650,
        "Age": 40,
        "Tenure": 5,
        "Balance": 76_485.89,
        "NumOfProducts": 1,
        "HasCrCard": 1,
        "IsActiveMember": 1,
        "EstimatedSalary": 100_090.24,
    }
    for country, gender in product(CATEGORIES["Geography"], CATEGORIES["Gender"]):
        yield Customer.model_validate(middle | {"Geography": country, "Gender": gender})
    home: dict[str, object] = {"Geography": "Germany", "Gender": "Female"}
    for name, bounds in NUMBERS.items():
        for value in (bounds.low, bounds.high, *([None] if bounds.nullable else [])):
            yield Customer.model_validate(middle | home | {name: value})
