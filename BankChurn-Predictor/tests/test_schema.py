import json

import pytest
from bankchurn.schema import FEATURES, Customer
from pydantic import ValidationError


def refusals(record: dict[str, object]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        Customer.model_validate(record)
    return {".".join(map(str, one["loc"])): one["msg"] for one in caught.value.errors()}


def test_the_fields_of_a_customer_are_the_features_in_their_order() -> None:
    assert tuple(Customer.model_fields) == FEATURES


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("CreditScore", 299),
        ("CreditScore", 851),
        ("CreditScore", 600.5),
        ("CreditScore", "600"),
        ("CreditScore", None),
        ("Geography", "Italy"),
        ("Geography", "france"),
        ("Gender", "M"),
        ("Age", 17),
        ("Age", 101),
        ("Age", True),
        ("Tenure", -1),
        ("Tenure", 11),
        ("Tenure", "blank"),
        ("Balance", -0.01),
        ("Balance", 1e12),
        ("Balance", float("nan")),
        ("Balance", float("inf")),
        ("Balance", True),
        ("NumOfProducts", 0),
        ("NumOfProducts", 5),
        ("HasCrCard", 2),
        ("HasCrCard", "1"),
        ("IsActiveMember", -1),
        ("EstimatedSalary", float("-inf")),
        ("EstimatedSalary", [1]),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_its_field(
    customer: dict[str, object], field: str, value: object
) -> None:
    assert set(refusals(customer | {field: value})) == {field}


@pytest.mark.parametrize("field", [name for name in FEATURES if name != "Tenure"])
def test_every_field_but_tenure_is_required(customer: dict[str, object], field: str) -> None:
    del customer[field]
    assert refusals(customer) == {field: "Field required"}


def test_a_field_that_is_not_known_is_refused(customer: dict[str, object]) -> None:
    assert refusals(customer | {"Surname": "Hill"}) == {"Surname": "Extra inputs are not permitted"}


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity"])
def test_json_beyond_the_standard_is_refused(customer: dict[str, object], literal: str) -> None:
    text = json.dumps(customer | {"Balance": 0.125}).replace("0.125", literal)
    with pytest.raises(ValidationError):
        Customer.model_validate_json(text)


def test_tenure_may_be_null_left_out_or_written_as_a_float(customer: dict[str, object]) -> None:
    assert Customer.model_validate(customer | {"Tenure": None}).Tenure is None
    assert Customer.model_validate(customer | {"Tenure": 2.0}).Tenure == 2
    del customer["Tenure"]
    assert Customer.model_validate(customer).Tenure is None


def test_a_flag_may_be_a_truth_value(customer: dict[str, object]) -> None:
    assert Customer.model_validate(customer | {"HasCrCard": True}).HasCrCard == 1
