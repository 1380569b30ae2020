"""Golden predictions: inputs, the outputs they gave, and how far an answer may move.

A service often computes one answer by several paths: a pipeline over a table, a faster path for
requests, a batch. `Agreement` declares such outputs as one answer. Recording each of them is not
enough: a model whose paths disagree would reproduce its own disagreement for ever.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

__all__ = [
    "Agreement",
    "GoldenSet",
    "GoldenValue",
    "Tolerance",
    "differences",
    "disagreements",
]

FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]

GoldenValue = FiniteFloat | str | tuple[FiniteFloat, ...]
"""The answer to one input: a number, a label, or a vector such as scores per class."""


class Tolerance(BaseModel):
    """How far a number may be from its golden value: ``absolute + relative * |golden|``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    absolute: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    relative: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    def admits(self, golden: float, answer: float) -> bool:
        """Whether an answer is near enough. NaN and infinities never are."""
        return math.isfinite(answer) and (
            abs(answer - golden) <= self.absolute + self.relative * abs(golden)
        )


class Agreement(BaseModel):
    """Outputs that are the same answer, computed by different paths.

    Attributes:
        outputs: Their names, at least two.
        tolerance: How far any two of them may be apart for one input. Labels may not differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outputs: tuple[str, ...] = Field(min_length=2)
    tolerance: Tolerance

    @model_validator(mode="after")
    def _outputs_are_distinct(self) -> Self:
        if len(set(self.outputs)) != len(self.outputs):
            raise ValueError(f"an agreement names an output twice: {', '.join(self.outputs)}")
        return self


class GoldenSet(BaseModel):
    """Inputs and the outputs they gave when the model was sealed.

    Attributes:
        inputs: One JSON value per input, in the form that the predictor's ``replay`` takes.
        outputs: For each named output, one value per input, in the order of the inputs.
        tolerances: For each named output, how far its numbers may move. Labels may not.
        agreements: Which outputs are the same answer by different paths.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: tuple[JsonValue, ...] = Field(min_length=1)
    outputs: dict[str, tuple[GoldenValue, ...]] = Field(min_length=1)
    tolerances: dict[str, Tolerance]
    agreements: tuple[Agreement, ...] = ()

    @model_validator(mode="after")
    def _outputs_match_inputs(self) -> Self:
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
    """What differs between the golden outputs and the answers of a replay.

    Args:
        golden: The golden set.
        answers: What the predictor's ``replay`` gave for ``golden.inputs``.

    Returns:
        One line per output that differs, naming the input that differs most; empty if none does.
    """
    lines = [f"output {name!r} is not golden" for name in sorted(answers.keys() - golden.outputs)]
    for name, expected in golden.outputs.items():
        if name not in answers:
            lines.append(f"output {name!r} is missing")
        elif len(answers[name]) != len(expected):
            lines.append(f"output {name!r} has {len(answers[name])} values, not {len(expected)}")
        else:
            wrong = _apart(expected, answers[name], golden.tolerances[name])
            if wrong:
                worst = wrong[0]
                moved = f"output {name!r} moved for {len(wrong)} of {len(expected)} inputs"
                lines.append(
                    f"{moved}, most for input {worst}: golden {expected[worst]!r}, "
                    f"now {answers[name][worst]!r}"
                )
    return lines


def disagreements(golden: GoldenSet, answers: Mapping[str, Sequence[GoldenValue]]) -> list[str]:
    """Where paths that should give the same answer do not.

    Args:
        golden: The golden set, whose agreements are checked.
        answers: The outputs to compare with each other, one value per golden input: the golden
            outputs themselves, or those of a replay.

    Returns:
        One line per pair of outputs that disagree, naming the input where they are furthest apart.
    """
    return list(_disagreements(golden, answers))


def _disagreements(
    golden: GoldenSet, answers: Mapping[str, Sequence[GoldenValue]]
) -> Iterator[str]:
    for agreement in golden.agreements:
        for one, other in combinations(agreement.outputs, 2):
            wrong = _apart(answers[one], answers[other], agreement.tolerance)
            if wrong:
                worst = wrong[0]
                yield (
                    f"outputs {one!r} and {other!r} are the same answer, but differ for "
                    f"{len(wrong)} of {len(golden.inputs)} inputs, most for input {worst}: "
                    f"{answers[one][worst]!r} and {answers[other][worst]!r}"
                )


def _apart(
    expected: Sequence[GoldenValue], answers: Sequence[GoldenValue], tolerance: Tolerance
) -> list[int]:
    """The inputs whose two answers differ beyond the tolerance, the furthest apart first."""
    wrong = [
        index
        for index, (one, other) in enumerate(zip(expected, answers, strict=True))
        if not _same(one, other, tolerance)
    ]
    return sorted(wrong, key=lambda index: -_distance(expected[index], answers[index]))


def _same(golden: GoldenValue, answer: GoldenValue, tolerance: Tolerance) -> bool:
    if isinstance(golden, str) or isinstance(answer, str):
        return golden == answer
    pairs = _paired(golden, answer)
    return pairs is not None and all(tolerance.admits(*pair) for pair in pairs)


def _distance(golden: GoldenValue, answer: GoldenValue) -> float:
    """How far apart two answers are; infinite where they cannot be compared as numbers."""
    if isinstance(golden, str) or isinstance(answer, str):
        return math.inf
    pairs = _paired(golden, answer)
    if pairs is None:
        return math.inf
    far = max((abs(one - other) for one, other in pairs), default=0.0)
    return math.inf if math.isnan(far) else far


def _paired(
    golden: float | Sequence[float], answer: float | Sequence[float]
) -> list[tuple[float, float]] | None:
    """The numbers to compare with each other, or None where the shapes differ."""
    if isinstance(golden, Sequence) != isinstance(answer, Sequence):
        return None
    goldens = golden if isinstance(golden, Sequence) else (golden,)
    answers = answer if isinstance(answer, Sequence) else (answer,)
    return list(zip(goldens, answers, strict=True)) if len(goldens) == len(answers) else None
