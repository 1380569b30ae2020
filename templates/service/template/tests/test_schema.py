from typing import Annotated, Literal

import pytest
from {{ package }}.schema import CATEGORIES, FEATURES, NUMBERS, Record, _derive
from pydantic import BaseModel, Field, ValidationError


def refused(record: dict[str, object]) -> set[str]:
    with pytest.raises(ValidationError) as caught:
        Record.model_validate(record)
    return {str(one["loc"][0]) for one in caught.value.errors()}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", -0.01),
        ("amount", 1e12),
        ("amount", "49.9"),
        ("amount", True),
        ("amount", float("nan")),
        ("amount", float("inf")),
        ("hour", 24),
        ("hour", 13.5),
        ("items", 0),
        ("items", None),
        ("account_days", -1),
        ("account_days", "unknown"),
        ("channel", "Web"),
        ("channel", None),
        ("surname", "Hill"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_its_field(
    record: dict[str, object], field: str, value: object
) -> None:
    assert refused(record | {field: value}) == {field}


def test_only_a_number_that_may_be_unknown_may_be_left_out(record: dict[str, object]) -> None:
    for field in FEATURES:
        rest = {name: value for name, value in record.items() if name != field}
        if field in NUMBERS and NUMBERS[field].nullable:
            assert getattr(Record.model_validate(rest), field) is None
        else:
            assert refused(rest) == {field}


def test_every_input_is_a_number_or_a_category() -> None:
    assert {*NUMBERS, *CATEGORIES} == set(FEATURES)
    assert NUMBERS["account_days"].nullable
    assert str(NUMBERS["hour"]) == "a whole number from 0 to 23"


def test_a_field_that_is_neither_is_refused_when_the_module_is_imported() -> None:
    class Wrong(BaseModel):
        level: Literal["low", "high"]
        amount: Annotated[float, Field(ge=0, examples=[1.0])]

    with pytest.raises(TypeError, match=r"Record.amount is not a valid input of the model"):
        _derive(Wrong.model_fields)
