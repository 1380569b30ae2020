"""How far answers moved from the golden ones, in numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelseal.golden import GoldenSet, GoldenValue, Tolerance

__all__ = ["DECISION", "Movement", "movements"]

DECISION = 0.5
"""Where a probability becomes a decision, for counting those that flip."""


@dataclass(frozen=True, slots=True)
class Movement:
    """How far one output moved.

    Attributes:
        output: Its name.
        largest: The largest difference of a number; infinite where answers cannot be compared.
        moved: How many inputs are answered outside the tolerance.
        flipped: How many decisions changed: labels, and probabilities that crossed `DECISION`.
        inputs: How many inputs there are.
    """

    output: str
    largest: float
    moved: int
    flipped: int
    inputs: int


def movements(
    golden: GoldenSet, answers: Mapping[str, Sequence[GoldenValue]]
) -> tuple[Movement, ...]:
    """Compare answers with a golden set, output by output."""
    return tuple(
        _movement(name, expected, answers.get(name, ()), golden.tolerances[name])
        for name, expected in golden.outputs.items()
    )


def _movement(
    name: str,
    expected: Sequence[GoldenValue],
    answers: Sequence[GoldenValue],
    tolerance: Tolerance,
) -> Movement:
    count = len(expected)
    if len(answers) != count:
        return Movement(name, math.inf, count, count, count)
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
    return Movement(name, largest, moved, flipped, count)


def _numbers(value: GoldenValue) -> str | Sequence[float]:
    return (value,) if isinstance(value, float | int) else value
