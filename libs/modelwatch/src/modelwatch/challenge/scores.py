"""Reads what a service's ``score`` writes: a row for each held-out row, as a CSV file."""

import csv
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.challenge.declaration import Declaration
from modelwatch.reporting.metrics import MAX_CLASSES, Floats

__all__ = ["Bools", "Ints", "Scores", "ScoresError", "confidence_cells", "read_scores", "row_cells"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_TRAINED_ON: Final = ("yes", "no", "unknown")
_MIN_TIMED: Final = 20


class ScoresError(Exception):
    """The file is not what ``score`` should have written; the message says why."""


class Scores(NamedTuple):
    """The scores of a model.

    Attributes:
        rows: Digest of each row.
        trained_on: Whether the model was trained on each row: ``yes``, ``no`` or ``unknown``.
        outcomes: Outcome of each row.
        blocks: Rows of the same block are not independent, and are resampled together.
        groups: For each grouping, the group of each row.
        outputs: The outputs that the declaration names.
        cpu_us: CPU time in microseconds of the answers that were given one at a time.
    """

    rows: tuple[str, ...]
    trained_on: tuple[str, ...]
    outcomes: tuple[str, ...]
    blocks: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    outputs: dict[str, tuple[str, ...]]
    cpu_us: tuple[float, ...]

    @property
    def unseen(self) -> Bools:
        """Whether the model was certainly not trained on each row."""
        return np.array([one == "no" for one in self.trained_on])

    def with_least_times(self, other: "Scores") -> "Scores":
        """These scores, with the least of the times of both for each answer.

        Args:
            other: Scores of the same model on the same rows.
        """
        return self._replace(cpu_us=tuple(map(min, self.cpu_us, other.cpu_us)))

    def same_rows(self, other: "Scores") -> bool:
        """Whether both are scores of the same rows with the same outcomes, blocks and groups."""
        return (self.rows, self.outcomes, self.blocks, self.groups) == (
            other.rows,
            other.outcomes,
            other.blocks,
            other.groups,
        )


def read_scores(path: Path, declaration: Declaration) -> Scores:
    """Read a file of scores.

    Raises:
        ScoresError: The file is missing, is not such a table, or a value is not valid.
    """
    columns = _read_columns(path)
    task = declaration.task
    outputs = {name for name in (task.output, task.low, task.high, declaration.confidence) if name}
    named = {"row", "trained_on", "outcome", "cpu_us", *(f"output.{one}" for one in outputs)}
    if missing := sorted(named - columns.keys()):
        raise ScoresError(f"{path.name} lacks the column {', '.join(missing)}")
    rows = columns["row"]
    scores = Scores(
        rows=rows,
        trained_on=columns["trained_on"],
        outcomes=columns["outcome"],
        blocks=columns.get("block", rows),
        groups={
            name.removeprefix("group."): values
            for name, values in columns.items()
            if name.startswith("group.")
        },
        outputs={name: columns[f"output.{name}"] for name in sorted(outputs)},
        cpu_us=tuple(_times(columns["cpu_us"]).tolist()),
    )
    if unknown := set(scores.trained_on) - set(_TRAINED_ON):
        raise ScoresError(f"trained_on has {min(unknown)!r} instead of yes, no or unknown")
    if not scores.rows or "" in scores.outcomes:
        raise ScoresError(f"{path.name} has no rows, or a row without an outcome")
    if len(scores.cpu_us) < _MIN_TIMED:
        raise ScoresError(f"cpu_us has {len(scores.cpu_us)} values; {_MIN_TIMED} are needed")
    row_cells(scores, declaration)
    return scores


def row_cells(scores: Scores, declaration: Declaration) -> Floats:
    """A cell of `modelwatch.reporting.metrics` for each row.

    Raises:
        ScoresError: A value is not a finite number or, of a probability, not between 0 and 1.
    """
    task, ones = declaration.task, np.ones(len(scores.rows))
    output = scores.outputs[task.output]
    if task.kind == "binary":
        positive = np.array([float(one == task.positive) for one in scores.outcomes])
        return np.column_stack([ones, _probabilities(task.output, output), positive])
    if task.kind == "classes":
        return np.column_stack([ones, *_codes(output, scores.outcomes)])
    value = _numbers(f"output.{task.output}", output)
    truth = _numbers("outcome", scores.outcomes)
    inside = np.zeros(len(truth))
    if task.low is not None and task.high is not None:
        low, high = (
            _numbers(f"output.{name}", scores.outputs[name]) for name in (task.low, task.high)
        )
        inside = ((truth >= low) & (truth <= high)).astype(float)
    return np.column_stack([ones, np.abs(value - truth), np.abs(truth), value - truth, inside])


def confidence_cells(scores: Scores, declaration: Declaration) -> Floats:
    """A cell of the kind ``binary`` for each row: the confidence, and whether the class is right.

    Raises:
        ScoresError: A confidence is not between 0 and 1.
    """
    name = declaration.confidence or ""
    predicted = scores.outputs[declaration.task.output]
    right = [float(one == other) for one, other in zip(predicted, scores.outcomes, strict=True)]
    confidence = _probabilities(name, scores.outputs[name])
    return np.column_stack([np.ones(len(right)), confidence, right])


def _read_columns(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file, strict=True)
    except (OSError, ValueError, csv.Error) as error:
        raise ScoresError(f"{path.name} cannot be read as CSV: {error}") from error
    for number, line in enumerate(lines, start=1):
        if len(line) != len(header):
            raise ScoresError(f"row {number} has {len(line)} fields instead of {len(header)}")
    if len(set(header)) != len(header):
        raise ScoresError("a column occurs twice")
    columns = zip(*lines, strict=True) if lines else ((),) * len(header)
    return dict(zip(header, columns, strict=True))


def _times(texts: Sequence[str]) -> Floats:
    given = [text for text in texts if text]
    return _checked("cpu_us", given, lambda value: 0 < value < math.inf, "a positive number")


def _numbers(column: str, texts: Sequence[str]) -> Floats:
    return _checked(column, texts, math.isfinite, "a finite number")


def _probabilities(name: str, texts: Sequence[str]) -> Floats:
    return _checked(f"output.{name}", texts, lambda value: 0 <= value <= 1, "between 0 and 1")


def _checked(
    column: str, texts: Sequence[str], valid: Callable[[float], bool], expected: str
) -> Floats:
    found = []
    for number, text in enumerate(texts, start=1):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not valid(value):
            raise ScoresError(f"row {number}: {column} is {text!r}, which is not {expected}")
        found.append(value)
    return np.array(found, dtype=float)


def _codes(predicted: Sequence[str], outcomes: Sequence[str]) -> tuple[Floats, Floats]:
    """Classes as numbers, the same in any file: outcomes first, in the order of their names."""
    names = sorted(set(outcomes))
    names += sorted(set(predicted) - set(names))
    codes = {name: float(min(number, MAX_CLASSES)) for number, name in enumerate(names)}
    return (
        np.array([codes[one] for one in predicted]),
        np.array([codes[one] for one in outcomes]),
    )
