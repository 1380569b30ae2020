"""Differences between the predictions of a model and golden ones."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelseal.golden import GoldenSet, GoldenValue, Tolerance
from modelseal.manifest import read_manifest

DECISION = 0.5
"""The threshold between two decisions, for counting those that flip."""


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """The difference of one output.

    Attributes:
        output: The name of the output.
        largest: The largest difference of a number; infinite if values cannot be compared.
        moved: Number of inputs whose prediction is outside the tolerance.
        flipped: Number of changed decisions: labels, and probabilities that crossed `DECISION`.
        inputs: Number of inputs.
    """

    output: str
    largest: float
    moved: int
    flipped: int
    inputs: int


def compare_outputs(
    golden: GoldenSet, answers: Mapping[str, Sequence[GoldenValue]]
) -> tuple[OutputDifference, ...]:
    """Compare the outputs of a model with a golden set."""
    return tuple(
        _compare_output(name, expected, answers.get(name, ()), golden.tolerances[name])
        for name, expected in golden.outputs.items()
    )


def golden_of(model: Path) -> GoldenSet:
    """The golden set of a sealed model."""
    return read_manifest(model)[0].golden


def largest_of(differences: Iterable[OutputDifference]) -> float:
    """The largest difference of all outputs."""
    return max((each.largest for each in differences), default=0.0)


def _compare_output(
    name: str,
    expected: Sequence[GoldenValue],
    answers: Sequence[GoldenValue],
    tolerance: Tolerance,
) -> OutputDifference:
    count = len(expected)
    if len(answers) != count:
        return OutputDifference(name, math.inf, count, count, count)
    pairs = [(_numbers(one), _numbers(other)) for one, other in zip(expected, answers, strict=True)]
    are_probabilities = all(
        isinstance(value, float | int) and 0 <= value <= 1 for value in expected
    )
    largest, moved, flipped = 0.0, 0, 0
    for golden, now in pairs:
        if isinstance(golden, str) or isinstance(now, str) or len(golden) != len(now):
            changed = golden != now
            largest = max(largest, math.inf if changed else 0.0)
            moved, flipped = moved + changed, flipped + changed
            continue
        distances = [abs(one - other) for one, other in zip(golden, now, strict=True)]
        largest = max([largest, *(math.inf if math.isnan(far) else far for far in distances)])
        moved += not all(map(tolerance.admits, golden, now))
        flipped += are_probabilities and (golden[0] >= DECISION) != (now[0] >= DECISION)
    return OutputDifference(name, largest, moved, flipped, count)


def _numbers(value: GoldenValue) -> str | Sequence[float]:
    return (value,) if isinstance(value, float | int) else value
