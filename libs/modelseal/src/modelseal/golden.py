"""Golden predictions: inputs, their outputs when the model was sealed, and tolerances.

A service often computes one answer by several code paths: a pipeline over a table, a faster path
for requests, a batch. `Agreement` declares their outputs as the same answer. Recording each of
them is not enough: a model whose paths disagree would reproduce its own disagreement.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Annotated

from pydantic import Field, JsonValue, model_validator

from modelseal.records import Record

__all__ = ["Agreement", "GoldenSet", "GoldenValue", "Tolerance", "differences", "disagreements"]

FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]

GoldenValue = FiniteFloat | str | tuple[FiniteFloat, ...]
"""The answer to one input: a number, a label, or a vector such as scores per class."""


class Tolerance(Record):
    """Largest difference of a number from its golden value: ``absolute + relative * |golden|``."""

    absolute: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    relative: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    def admits(self, golden: float, answer: float) -> bool:
        """Whether the answer is within the tolerance. NaN and infinities never are."""
        return math.isfinite(answer) and (
            abs(answer - golden) <= self.absolute + self.relative * abs(golden)
        )


class Agreement(Record):
    """Outputs that are the same answer, computed by different code paths.

    Attributes:
        outputs: Names of the outputs, at least two.
        tolerance: Largest difference of any two of them for one input. Labels must be equal.
    """

    outputs: tuple[str, ...] = Field(min_length=2)
    tolerance: Tolerance

    @model_validator(mode="after")
    def _outputs_are_distinct(self) -> "Agreement":
        if len(set(self.outputs)) != len(self.outputs):
            raise ValueError(f"an agreement names an output twice: {', '.join(self.outputs)}")
        return self


class GoldenSet(Record):
    """Inputs, and their outputs when the model was sealed.

    Attributes:
        inputs: One JSON value per input, in the form that the predictor's ``replay`` takes.
        outputs: For each named output, one value per input, in the order of the inputs.
        tolerances: For each named output, the tolerance of its numbers. Labels must be equal.
        agreements: Outputs that are the same answer by different code paths.
    """

    inputs: tuple[JsonValue, ...] = Field(min_length=1)
    outputs: dict[str, tuple[GoldenValue, ...]] = Field(min_length=1)
    tolerances: dict[str, Tolerance]
    agreements: tuple[Agreement, ...] = ()

    @model_validator(mode="after")
    def _outputs_match_inputs(self) -> "GoldenSet":
        for name, values in self.outputs.items():
            if len(values) != len(self.inputs):
                raise ValueError(
                    f"golden output {name!r} has {len(values)} values for {len(self.inputs)} inputs"
                )
        if self.outputs.keys() != self.tolerances.keys():
            raise ValueError("golden outputs and tolerances must have the same names")
        for agreement in self.agreements:
            if unknown := [name for name in agreement.outputs if name not in self.outputs]:
                raise ValueError(f"an agreement names unknown outputs: {', '.join(unknown)}")
        return self


def differences(golden: GoldenSet, answers: Mapping[str, Sequence[GoldenValue]]) -> list[str]:
    """Compare the golden outputs with the answers of a replay.

    Args:
        golden: The golden set.
        answers: The result of the predictor's ``replay`` for ``golden.inputs``.

    Returns:
        One line for each output that differs, with the input that differs most.
    """
    lines = [f"output {name!r} is not golden" for name in sorted(answers.keys() - golden.outputs)]
    for name, expected in golden.outputs.items():
        if name not in answers:
            lines.append(f"output {name!r} is missing")
        elif len(answers[name]) != len(expected):
            lines.append(f"output {name!r} has {len(answers[name])} values, not {len(expected)}")
        elif wrong := _worst_first(expected, answers[name], golden.tolerances[name]):
            lines.append(
                f"output {name!r} changed for {len(wrong)} of {len(expected)} inputs, most for "
                f"input {wrong[0]}: golden {expected[wrong[0]]!r}, now {answers[name][wrong[0]]!r}"
            )
    return lines


def disagreements(golden: GoldenSet, answers: Mapping[str, Sequence[GoldenValue]]) -> list[str]:
    """Compare the outputs that should be the same answer by different paths.

    Args:
        golden: The golden set, with the agreements to check.
        answers: The outputs to compare with each other, one value per golden input: the golden
            outputs themselves, or those of a replay.

    Returns:
        One line for each pair of outputs that disagree, with the input that differs most.
    """
    return [
        f"outputs {one!r} and {other!r} are the same answer, but differ for {len(wrong)} of "
        f"{len(golden.inputs)} inputs, most for input {wrong[0]}: "
        f"{answers[one][wrong[0]]!r} and {answers[other][wrong[0]]!r}"
        for agreement in golden.agreements
        for one, other in combinations(agreement.outputs, 2)
        if (wrong := _worst_first(answers[one], answers[other], agreement.tolerance))
    ]


def _worst_first(
    expected: Sequence[GoldenValue], answers: Sequence[GoldenValue], tolerance: Tolerance
) -> list[int]:
    """The inputs whose two answers differ by more than the tolerance, the worst first."""
    distances = {
        index: far
        for index, pair in enumerate(zip(expected, answers, strict=True))
        if (far := _distance(*pair, tolerance)) is not None
    }
    return sorted(distances, key=lambda index: -distances[index])


def _distance(golden: GoldenValue, answer: GoldenValue, tolerance: Tolerance) -> float | None:
    """The largest difference of two answers; None within the tolerance.

    It is infinite for labels that differ, for a label and a number, and for vectors of two lengths.
    """
    if isinstance(golden, str) or isinstance(answer, str):
        return None if golden == answer else math.inf
    goldens, answers = _numbers(golden), _numbers(answer)
    if isinstance(golden, Sequence) != isinstance(answer, Sequence) or len(goldens) != len(answers):
        return math.inf
    pairs = list(zip(goldens, answers, strict=True))
    if all(tolerance.admits(*pair) for pair in pairs):
        return None
    far = max(abs(one - other) for one, other in pairs)
    return math.inf if math.isnan(far) else far


def _numbers(value: float | Sequence[float]) -> Sequence[float]:
    return value if isinstance(value, Sequence) else (value,)
