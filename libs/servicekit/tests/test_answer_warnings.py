import pytest
from pydantic import ValidationError
from servicekit.answer_warnings import AnswerWarning, as_cell, kinds_in_cell

UNKNOWN_LEVEL = AnswerWarning(
    code="level_not_in_training",
    field="Geography",
    message="Germany is not among the levels of the training data.",
)
FAR_AWAY = AnswerWarning(
    code="outside_training_range", field="Age", message="99 is above 92, the training's largest."
)


def test_warnings_become_one_cell_of_codes_and_fields() -> None:
    assert as_cell([UNKNOWN_LEVEL, FAR_AWAY]) == (
        "level_not_in_training:Geography;outside_training_range:Age"
    )


@pytest.mark.parametrize("warnings", [[], [FAR_AWAY], [UNKNOWN_LEVEL, FAR_AWAY]])
def test_the_kinds_of_a_cell_are_those_of_its_warnings(warnings: list[AnswerWarning]) -> None:
    assert kinds_in_cell(as_cell(warnings)) == [as_cell([warning]) for warning in warnings]


def test_an_answer_without_warnings_has_an_empty_cell() -> None:
    assert as_cell([]) == ""


@pytest.mark.parametrize("code", ["", "Not A Code", "a;b", "a:b", "9"])
def test_a_code_that_a_cell_could_not_hold_is_refused(code: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        AnswerWarning(code=code, field="Age", message="")
