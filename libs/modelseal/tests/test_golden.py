import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modelseal.golden import (
    Agreement,
    GoldenSet,
    GoldenValue,
    Tolerance,
    differences,
    disagreements,
)
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
def test_an_answer_within_the_tolerance_is_not_a_difference(
    expected: GoldenValue, answer: GoldenValue, tolerance: dict[str, float]
) -> None:
    assert differences(golden([expected], **tolerance), {"answer": [answer]}) == []


@pytest.mark.parametrize(("expected", "answer", "tolerance"), DIFFERENT)
def test_an_answer_outside_the_tolerance_is_a_difference(
    expected: GoldenValue, answer: GoldenValue, tolerance: dict[str, float]
) -> None:
    assert len(differences(golden([expected], **tolerance), {"answer": [answer]})) == 1


def test_the_message_has_the_input_with_the_largest_difference() -> None:
    expected = golden([0.1, 0.2, 0.3])

    assert differences(expected, {"answer": [0.1, 0.9, 0.4]}) == [
        "output 'answer' changed for 2 of 3 inputs, most for input 1: golden 0.2, now 0.9"
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
def test_an_invalid_golden_set_is_refused(fields: dict[str, object], message: str) -> None:
    valid = {"inputs": [1, 2], "outputs": {"answer": [1.0, 2.0]}, "tolerances": {"answer": {}}}

    with pytest.raises(ValidationError, match=message):
        GoldenSet.model_validate(valid | fields)


def paths(tolerance: float, **outputs: list[GoldenValue]) -> GoldenSet:
    """A golden set whose outputs are all the same answer."""
    [size] = {len(values) for values in outputs.values()}
    return GoldenSet(
        inputs=tuple(range(size)),
        outputs={name: tuple(values) for name, values in outputs.items()},
        tolerances={name: Tolerance() for name in outputs},
        agreements=(Agreement(outputs=tuple(outputs), tolerance=Tolerance(absolute=tolerance)),),
    )


def test_paths_within_their_tolerance_agree() -> None:
    agreed = paths(1e-6, table=[0.25, 0.5], request=[0.25, 0.5 + 1e-7], batch=[0.25, 0.5])

    assert disagreements(agreed, agreed.outputs) == []


def test_each_disagreeing_pair_of_paths_is_listed_with_its_worst_input() -> None:
    apart = paths(1e-6, table=[0.25, 0.5], request=[0.375, 0.0], batch=[0.25, 0.5])

    differ = "are the same answer, but differ for 2 of 2 inputs, most for input 1"
    assert disagreements(apart, apart.outputs) == [
        f"outputs 'table' and 'request' {differ}: 0.5 and 0.0",
        f"outputs 'request' and 'batch' {differ}: 0.0 and 0.5",
    ]


def test_every_pair_of_paths_is_compared_directly() -> None:
    # Both agree with the middle one, but not with each other.
    chain = paths(0.1, low=[0.0], middle=[0.09], high=[0.18])

    assert len(disagreements(chain, chain.outputs)) == 1


def test_labels_of_one_answer_must_be_equal_for_any_tolerance() -> None:
    labels = paths(9.0, table=["high"], request=["low"])

    assert len(disagreements(labels, labels.outputs)) == 1


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5),
    st.floats(0, 1),
    st.floats(-2, 2),
)
def test_paths_disagree_exactly_if_a_difference_exceeds_the_tolerance(
    table: list[GoldenValue], tolerance: float, gap: float
) -> None:
    request: list[GoldenValue] = [float(value) + gap for value in table]  # type: ignore[arg-type]
    beyond = any(
        abs(float(one) - float(other)) > tolerance  # type: ignore[arg-type]
        for one, other in zip(table, request, strict=True)
    )
    both = paths(tolerance, table=table, request=request)

    assert bool(disagreements(both, both.outputs)) is beyond


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (["answer"], "at least 2 items"),
        (["answer", "answer"], "names an output twice: answer, answer"),
        (["answer", "request"], "names unknown outputs: request"),
    ],
)
def test_an_invalid_agreement_is_refused(outputs: list[str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GoldenSet.model_validate(
            {
                "inputs": [1],
                "outputs": {"answer": [1.0]},
                "tolerances": {"answer": {}},
                "agreements": [{"outputs": outputs, "tolerance": {}}],
            }
        )
