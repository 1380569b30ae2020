"""The golden set: customers for whom a sealed model must repeat its answers of training time.

The customers are synthetic, because many people can read a manifest. Answers of several code paths
are declared equal, so that a model whose paths disagree is neither sealed nor opened.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from modelseal import Agreement, GoldenSet, Tolerance

from bankchurn.model.predictor import AGREEMENT, ChurnPredictor
from bankchurn.sample import generate_sample
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS, Customer, example

CUSTOMERS: Final = 48

# Minimum number of ordinary customers, however many columns there are.
ORDINARY: Final = 16

# Sums of floats differ only in their last digits between processors.
_TOLERANCE: Final = Tolerance(absolute=1e-6)
_TOLERANCES: Final = {
    "log_odds_contributions": Tolerance(absolute=1e-5),
    # Inputs, codes and medians are copied, not computed.
    "pipeline_features": Tolerance(),
    "request_features": Tolerance(),
}

_AGREEMENTS: Final = (
    Agreement(
        outputs=(
            "pipeline_probability",
            "request_probability",
            "batch_probability",
            "explained_probability",
        ),
        tolerance=Tolerance(absolute=AGREEMENT),
    ),
    # Swapped features may matter little to these customers and much to others.
    Agreement(outputs=("pipeline_features", "request_features"), tolerance=Tolerance()),
)


def golden_customers() -> list[Customer]:
    """Customers with every bound, every level and unknown values, and ordinary ones."""
    extremes = list(_extremes())
    size = max(ORDINARY, CUSTOMERS - len(extremes))
    sample = generate_sample(size, seed=7, blank_share=0.2)
    records = sample[list(FEATURES)].astype(object).where(sample[list(FEATURES)].notna(), None)
    return extremes + [Customer.model_validate(one) for one in records.to_dict(orient="records")]


def make_golden_set(predictor: ChurnPredictor, customers: Sequence[Customer]) -> GoldenSet:
    """Customers and a loaded model's answers."""
    inputs = tuple(customer.model_dump(mode="json") for customer in customers)
    outputs = {name: tuple(values) for name, values in predictor.replay(inputs).items()}
    return GoldenSet(
        inputs=inputs,
        outputs=outputs,
        tolerances={name: _TOLERANCES.get(name, _TOLERANCE) for name in outputs},
        agreements=_AGREEMENTS,
    )


def _extremes() -> Iterator[Customer]:
    ordinary: dict[str, Any] = example()
    for name, levels in CATEGORIES.items():
        for level in levels:
            yield Customer.model_validate(ordinary | {name: level})
    # With the last levels, so that bounds are tested in another group than the example's.
    ordinary |= {name: levels[-1] for name, levels in CATEGORIES.items()}
    for name, bounds in NUMBERS.items():
        for value in (bounds.low, bounds.high, *([None] if bounds.nullable else [])):
            yield Customer.model_validate(ordinary | {name: value})
