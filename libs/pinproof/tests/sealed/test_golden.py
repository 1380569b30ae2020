import math

import pytest
from pinproof.sealed.golden import GoldenSet, GoldenValue, Tolerance, differences
from pydantic import ValidationError


def golden(values: list[GoldenValue], **tolerance: float) -> GoldenSet:
    return GoldenSet(
        inputs=tuple(range(len(values))),
        outputs={"answer": tuple(values)},
        tolerances={"answer": Tolerance(**tolerance)},
    )


SAME: list[tuple[GoldenValue, GoldenValue, dict[str, float]]] = [
    (0.5, 0.5, {}),
    (0.5, 0.500001, {"absolute": 1e-5}),
    (1000.0, 1000.5, {"relative": 1e-3}),
    ("high", "high", {}),
    ((0.25, 0.75), (0.25, 0.75), {}),
    ((), (), {}),
]

DIFFERENT: list[tuple[GoldenValue, GoldenValue, dict[str, float]]] = [
    (0.5, 0.500001, {}),
    (0.5, 0.51, {"absolute": 1e-5}),
    (0.0, 1e-9, {"relative": 1.0}),
    (0.5, math.nan, {"absolute": 1e9}),
    (0.5, math.inf, {"absolute": 1e9}),
    ("high", "low", {"absolute": 1e9}),
    ("1.0", 1.0, {"absolute": 1e9}),
    ((0.25, 0.75), (0.25, 0.76), {"absolute": 1e-3}),
    ((0.25, 0.75), (0.25,), {"absolute": 1e9}),
    (0.25, (0.25,), {"absolute": 1e9}),
    ((0.25, 0.75), (math.nan, 0.75), {"absolute": 1e9}),
]


@pytest.mark.parametrize(("expected", "answer", "tolerance"), SAME)
def test_an_answer_within_tolerance_is_no_difference(
    expected: GoldenValue, answer: GoldenValue, tolerance: dict[str, float]
) -> None:
    assert differences(golden([expected], **tolerance), {"answer": [answer]}) == []


@pytest.mark.parametrize(("expected", "answer", "tolerance"), DIFFERENT)
def test_an_answer_beyond_tolerance_is_a_difference(
    expected: GoldenValue, answer: GoldenValue, tolerance: dict[str, float]
) -> None:
    assert len(differences(golden([expected], **tolerance), {"answer": [answer]})) == 1


def test_the_line_names_the_input_that_moved_most() -> None:
    expected = golden([0.1, 0.2, 0.3])

    assert differences(expected, {"answer": [0.1, 0.9, 0.4]}) == [
        "output 'answer' moved for 2 of 3 inputs, most for input 1: golden 0.2, now 0.9"
    ]


def test_missing_additional_and_short_outputs_are_differences() -> None:
    expected = golden([0.1, 0.2])

    assert differences(expected, {"other": [1.0, 2.0]}) == [
        "output 'other' is not golden",
        "output 'answer' is missing",
    ]
    assert differences(expected, {"answer": [0.1]}) == ["output 'answer' has 1 values, not 2"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"outputs": {"answer": [1.0]}}, "has 1 values for 2 inputs"),
        ({"tolerances": {}}, "must have the same names"),
        ({"outputs": {"answer": [1.0, math.nan]}}, "finite number"),
        ({"inputs": []}, "at least 1 item"),
        ({"tolerances": {"answer": {"absolute": -1}}}, "greater than or equal to 0"),
        ({"tolerances": {"answer": {"absolute": math.inf}}}, "finite number"),
    ],
)
def test_a_golden_set_that_proves_nothing_is_refused(
    fields: dict[str, object], message: str
) -> None:
    valid = {"inputs": [1, 2], "outputs": {"answer": [1.0, 2.0]}, "tolerances": {"answer": {}}}

    with pytest.raises(ValidationError, match=message):
        GoldenSet.model_validate(valid | fields)
