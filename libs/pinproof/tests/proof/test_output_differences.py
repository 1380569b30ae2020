import math

import pytest
from modelseal.golden import GoldenSet, GoldenValue, Tolerance
from pinproof.proof.output_differences import OutputDifference, compare_outputs


def moved(golden: GoldenValue, now: object, *, absolute: float = 0.01) -> tuple[float, int, int]:
    expected = GoldenSet(
        inputs=(1.0,), outputs={"out": (golden,)}, tolerances={"out": Tolerance(absolute=absolute)}
    )
    (found,) = compare_outputs(expected, {"out": (now,)})  # type: ignore[dict-item]
    return found.largest, found.moved, found.flipped


@pytest.mark.parametrize(
    ("golden", "now", "expected"),
    [
        (0.25, 0.25, (0.0, 0, 0)),
        (0.25, 0.255, (pytest.approx(0.005), 0, 0)),
        (0.25, 0.375, (0.125, 1, 0)),
        (0.25, 0.5, (0.25, 1, 1)),
        (0.75, 0.25, (0.5, 1, 1)),
        # No probability, so no decision.
        (2.0, 0.25, (1.75, 1, 0)),
        ("high", "high", (0.0, 0, 0)),
        ("high", "low", (math.inf, 1, 1)),
        ((0.25, 4.0), (0.25, 2.0), (2.0, 1, 0)),
        ((0.25, 4.0), (0.25,), (math.inf, 1, 1)),
        (0.25, math.nan, (math.inf, 1, 0)),
        (0.25, "low", (math.inf, 1, 1)),
    ],
)
def test_movement(golden: GoldenValue, now: object, expected: tuple[float, int, int]) -> None:
    assert moved(golden, now) == expected


def test_an_output_that_is_missing_has_moved_everywhere() -> None:
    golden = GoldenSet(
        inputs=(1.0, 2.0), outputs={"out": (0.1, 0.2)}, tolerances={"out": Tolerance()}
    )
    assert compare_outputs(golden, {}) == (OutputDifference("out", math.inf, 2, 2, 2),)
