"""One customer, scored without arrays."""

import math

import numpy as np
import pandas as pd
import pytest
from bankchurn.features import Matrix
from bankchurn.model.customer_intervals import CustomerIntervals, before_rounding
from bankchurn.model.fast_ensemble import TreeEnsemble
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.model.training_profile import TrainingProfile
from bankchurn.schema import CATEGORIES, FEATURES, NUMBERS, Customer, example
from hypothesis import example as given_example
from hypothesis import given, settings
from hypothesis import strategies as st

MAX_FLOAT32 = float(np.finfo(np.float32).max)
in_range = st.floats(-MAX_FLOAT32 / 2, MAX_FLOAT32 / 2)


@pytest.fixture(scope="module")
def ensemble(predictor: ChurnPredictor) -> TreeEnsemble:
    return TreeEnsemble(predictor.pipeline.named_steps["stack"])


@pytest.fixture(scope="module")
def medians(predictor: ChurnPredictor) -> dict[str, float]:
    found: dict[str, float] = predictor.pipeline.named_steps["features"].medians_
    return found


@given(end=in_range, steps=st.integers(-3, 3))
@given_example(end=16_777_217.0, steps=0)
@given_example(end=16_777_219.0, steps=0)
@given_example(end=0.1, steps=1)
def test_a_threshold_compares_before_rounding_as_it_does_after_it(end: float, steps: int) -> None:
    largest = before_rounding(end)
    value = largest
    for _ in range(abs(steps)):
        value = math.nextafter(value, math.copysign(math.inf, steps))
    assert (value <= largest) == (float(np.float32(value)) <= end)


def close_to(number: float) -> st.SearchStrategy[float]:
    return st.sampled_from([number, math.nextafter(number, 0), math.nextafter(number, math.inf)])


@st.composite
def customers_at_thresholds(draw: st.DrawFn, ensemble: TreeEnsemble) -> Customer:
    """Customers whose amounts are at, just below and just above thresholds of the trees."""
    values = dict(example())
    for name, bounds in NUMBERS.items():
        if bounds.whole:
            values[name] = draw(st.integers(int(bounds.low), int(bounds.high)))
        else:
            ends = [
                before_rounding(end)
                for end in ensemble.upper_ends(FEATURES.index(name))
                if bounds.low < end < bounds.high
            ]
            values[name] = draw(st.sampled_from(ends).flatmap(close_to))
    for name, levels in CATEGORIES.items():
        values[name] = draw(st.sampled_from(levels))
    return Customer.model_validate(values)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_customer_gets_the_same_bits_with_and_without_arrays(
    predictor: ChurnPredictor,
    ensemble: TreeEnsemble,
    medians: dict[str, float],
    data: st.DataObject,
) -> None:
    customer = data.draw(customers_at_thresholds(ensemble))
    # Without a profile, no value is outside the training data.
    intervals = CustomerIntervals(ensemble, medians, None).of(customer)
    assert intervals is not None
    with_arrays = predictor.probabilities(predictor.encode([customer])).tolist()
    assert predictor.probabilities_of([intervals]) == with_arrays


def test_every_customer_of_a_table_gets_the_same_bits(
    predictor: ChurnPredictor, sample: pd.DataFrame, matrix: Matrix
) -> None:
    columns = sample[list(FEATURES)].astype(object)
    rows = columns.where(columns.notna(), None).to_dict("records")
    found = [predictor.intervals(Customer.model_validate(row)) for row in rows]
    known = [index for index, intervals in enumerate(found) if intervals is not None]
    # The profile is that of the training rows, a part of the table.
    assert len(known) > 0.98 * len(rows)
    probabilities = predictor.probabilities(matrix).tolist()
    assert [predictor.probabilities_of([found[index] or []])[0] for index in known] == [
        probabilities[index] for index in known
    ]


def test_a_customer_outside_the_training_data_has_warnings_to_be_found(
    predictor: ChurnPredictor,
) -> None:
    inside = Customer.model_validate(example())
    assert predictor.intervals(inside) is not None
    for change in ({"Age": 100}, {"Balance": 1e9}, {"EstimatedSalary": 1e9}):
        outside = inside.model_copy(update=change)
        assert predictor.intervals(outside) is None
        [answer] = predictor.answer([outside], model_version="1")
        assert [warning.field for warning in answer.warnings] == list(change)


@pytest.mark.parametrize("unknown", [0, 3])
def test_an_unknown_value_is_the_median_unless_training_never_saw_one(
    predictor: ChurnPredictor, ensemble: TreeEnsemble, medians: dict[str, float], unknown: int
) -> None:
    assert predictor.profile is not None
    tenure = predictor.profile.numbers["Tenure"].model_copy(update={"unknown": unknown})
    numbers = predictor.profile.numbers | {"Tenure": tenure}
    profile = TrainingProfile.model_validate(
        predictor.profile.model_dump()
        | {"numbers": {k: v.model_dump() for k, v in numbers.items()}}
    )
    finder = CustomerIntervals(ensemble, medians, profile)
    customer = Customer.model_validate(example() | {"Tenure": None})
    median = customer.model_copy(update={"Tenure": medians["Tenure"]})
    assert finder.of(customer) == (finder.of(median) if unknown else None)


def test_a_level_without_training_rows_has_warnings_to_be_found(
    predictor: ChurnPredictor, ensemble: TreeEnsemble, medians: dict[str, float]
) -> None:
    assert predictor.profile is not None
    levels = {name: dict(counts) for name, counts in predictor.profile.levels.items()}
    levels["Geography"]["Germany"] = 0
    profile = predictor.profile.model_copy(update={"levels": levels})
    finder = CustomerIntervals(ensemble, medians, profile)
    german, spanish = (
        Customer.model_validate(example() | {"Geography": level}) for level in ("Germany", "Spain")
    )
    assert finder.of(german) is None
    assert finder.of(spanish) is not None
