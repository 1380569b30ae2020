"""The reference profile: how features and outputs are distributed where the model was evaluated.

It is made from plain sequences, without the packages that reports need, so that training can make
it. A service seals it with its model.
"""

import bisect
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal

from modelseal.records import Record, first_error
from pydantic import Field, ValidationError

from modelwatch.errors import DocumentError, SchemaError
from modelwatch.schema import Kind, LogSchema

__all__ = [
    "OTHER",
    "PROFILE_NAME",
    "CategoryProfile",
    "Column",
    "Group",
    "NumberProfile",
    "ReferenceProfile",
    "Task",
    "make_profile",
    "read_profile",
]

PROFILE_NAME: Final = "reference_profile.json"
"""The name of the file in a sealed model."""

OTHER: Final = "(other)"
"""Rare levels of the reference, together."""

MAX_LEVELS: Final = 50
MAX_EDGES: Final = 200

Value = float | str | None
Column = Sequence[Value]
Share = Annotated[float, Field(ge=0, le=1)]


class NumberProfile(Record):
    """The distribution of a number.

    Attributes:
        rows: Number of rows, missing ones included.
        missing: Rows without a value.
        low: Minimum of the values.
        high: Maximum.
        mean: Mean.
        edges: Distinct quantiles, ascending; the last one is the maximum.
        counts: For each edge, the values above the edge before it and not above this one.
    """

    kind: Literal["number"] = "number"
    rows: int = Field(ge=0)
    missing: int = Field(ge=0)
    low: float
    high: float
    mean: float
    edges: tuple[float, ...] = Field(min_length=1)
    counts: tuple[int, ...] = Field(min_length=1)


class CategoryProfile(Record):
    """The distribution of a category.

    Attributes:
        rows: Number of rows, missing ones included.
        missing: Rows without a value.
        levels: Rows of each level, the frequent ones first.
        rare_levels: Levels that are counted together, under `OTHER`.
        singletons: Number of levels that occur once. As many rows would have an unseen level if
            they were not in the reference.
    """

    kind: Literal["category"] = "category"
    rows: int = Field(ge=0)
    missing: int = Field(ge=0)
    levels: dict[str, int] = Field(min_length=1)
    rare_levels: tuple[str, ...] = ()
    singletons: int = Field(ge=0)


ColumnProfile = Annotated[NumberProfile | CategoryProfile, Field(discriminator="kind")]


class Group(Record):
    """The outputs of one group.

    Attributes:
        rows: Rows of the group.
        outputs: Mean of each output that is a number; shares of the levels of the others.
    """

    rows: int = Field(ge=0)
    outputs: dict[str, float | dict[str, Share]]


class Task(Record):
    """How the outputs are compared with the truth.

    Attributes:
        kind: ``binary``: `output` is the probability of the outcome `positive`. ``classes``:
            `output` is the predicted outcome. ``number``: `output` is the predicted number.
        output: The output.
        positive: The outcome whose probability is predicted.
        low: Output with the lower end of the prediction interval.
        high: Output with the upper end.
        coverage: Share of the outcomes that the interval should contain.
        performance: Metrics when the model was evaluated, by name, for comparison.
    """

    kind: Literal["binary", "classes", "number"]
    output: str
    positive: str = "1"
    low: str | None = None
    high: str | None = None
    coverage: Share | None = None
    performance: dict[str, float] = Field(default_factory=dict)


class ReferenceProfile(Record):
    """A reference profile, format 1.

    Attributes:
        format: Version of the format.
        features: Distribution of each feature, except texts.
        outputs: Distribution of each output.
        group_edges: For each group feature, the boundaries of its groups if it is a number.
        groups: For each group feature, its groups.
        task: How outputs are compared with the truth; None if there is none.
    """

    format: Literal[1] = 1
    features: dict[str, ColumnProfile]
    outputs: dict[str, ColumnProfile]
    group_edges: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    groups: dict[str, dict[str, Group]] = Field(default_factory=dict)
    task: Task | None = None


def make_profile(
    schema: LogSchema,
    *,
    features: Mapping[str, Column],
    outputs: Mapping[str, Column],
    group_edges: Mapping[str, Sequence[float]] | None = None,
    task: Task | None = None,
) -> ReferenceProfile:
    """The profile of evaluated rows.

    Args:
        schema: What the service logs.
        features: A sequence of values for each feature of the schema, except texts. None and NaN
            are missing. A feature without any value is left out of the profile.
        outputs: As for `features`, for the same rows. Take rows that the model was not trained on:
            outputs of training rows are distributed differently.
        group_edges: Boundaries of the groups of each numeric group feature, ascending. A group
            contains its lower boundary.
        task: How outputs are compared with the truth.

    Raises:
        SchemaError: A column is missing, an output has no values, or the columns have different
            lengths.
    """
    edges = {name: tuple(map(float, values)) for name, values in (group_edges or {}).items()}
    kinds = {name: kind for name, kind in schema.features.items() if kind != "text"}
    lengths = {
        len(_column(columns, name))
        for columns, names in ((features, kinds), (outputs, schema.outputs))
        for name in names
    }
    if len(lengths) > 1:
        raise SchemaError(
            f"The columns of the profile have different lengths: {sorted(lengths)}.",
            remedy="Give the features and outputs of the same rows.",
        )
    kinds = {name: kind for name, kind in kinds.items() if _present(features[name])}
    groups = [name for name in schema.groups if name in kinds]
    for name in groups:
        if schema.features[name] == "number" and name not in edges:
            raise SchemaError(
                f"The group feature {name} is a number without boundaries.",
                remedy="Give them in group_edges.",
            )
    return ReferenceProfile(
        features={name: _profile(name, kind, features[name]) for name, kind in kinds.items()},
        outputs={
            name: _profile(name, kind, outputs[name]) for name, kind in schema.outputs.items()
        },
        group_edges={name: edges[name] for name in groups if name in edges},
        groups={
            name: _groups(features[name], edges.get(name), schema.outputs, outputs)
            for name in groups
        },
        task=task,
    )


def read_profile(path: Path) -> ReferenceProfile:
    """Read a profile.

    Args:
        path: The file, or the folder of a sealed model that has it.

    Raises:
        DocumentError: The file cannot be read, or is not a profile.
    """
    if path.is_dir():
        path /= PROFILE_NAME
    try:
        return ReferenceProfile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DocumentError(
            f"{path} cannot be read: {error.strerror}.", remedy="Give the profile of the model."
        ) from error
    except ValidationError as error:
        raise DocumentError(
            f"{path} is not a reference profile: {first_error(error)}.",
            remedy="Give the profile that training wrote.",
        ) from error


def group_name(value: Value, edges: Sequence[float] | None) -> str:
    """The name of the group of a value: a level, or a range such as ``30 to 40``."""
    if _is_missing(value):
        return "(missing)"
    if edges is None:
        return str(value)
    return group_names(edges)[bisect.bisect_right(edges, float(value or 0))]


def group_names(edges: Sequence[float]) -> list[str]:
    """The names of the groups between boundaries, ascending."""
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g}", *inner, f"from {edges[-1]:g}"]


def _column(columns: Mapping[str, Column], name: str) -> Column:
    if name not in columns:
        raise SchemaError(f"The profile has no column {name}.", remedy="Give its values.")
    return columns[name]


def _profile(name: str, kind: Kind, column: Column) -> NumberProfile | CategoryProfile:
    present = _present(column)
    if not present:
        raise SchemaError(f"All values of {name} are missing.", remedy="Do not log this column.")
    missing = len(column) - len(present)
    if kind == "number":
        return _number(sorted(float(value) for value in present), len(column), missing)
    return _category(list(map(str, present)), len(column), missing)


def _number(values: list[float], rows: int, missing: int) -> NumberProfile:
    last = len(values) - 1
    quantiles = (values[round(last * step / MAX_EDGES)] for step in range(1, MAX_EDGES + 1))
    edges = tuple(sorted(set(quantiles)))
    ends = [bisect.bisect_right(values, edge) for edge in edges]
    counts = tuple(end - begin for begin, end in zip([0, *ends], ends, strict=False))
    return NumberProfile(
        rows=rows,
        missing=missing,
        low=values[0],
        high=values[-1],
        mean=math.fsum(values) / len(values),
        edges=edges,
        counts=counts,
    )


def _category(values: list[str], rows: int, missing: int) -> CategoryProfile:
    ranked = Counter(values).most_common()
    levels = dict(ranked[:MAX_LEVELS])
    rare = ranked[MAX_LEVELS:]
    if rare:
        levels[OTHER] = sum(count for _, count in rare)
    return CategoryProfile(
        rows=rows,
        missing=missing,
        levels=levels,
        rare_levels=tuple(sorted(level for level, _ in rare)),
        singletons=sum(count == 1 for _, count in ranked),
    )


def _groups(
    feature: Column,
    edges: Sequence[float] | None,
    kinds: Mapping[str, Kind],
    outputs: Mapping[str, Column],
) -> dict[str, Group]:
    rows: dict[str, list[int]] = {}
    for index, value in enumerate(feature):
        rows.setdefault(group_name(value, edges), []).append(index)
    return {
        name: Group(
            rows=len(indexes),
            outputs={
                output: _summary(kind, [outputs[output][index] for index in indexes])
                for output, kind in kinds.items()
            },
        )
        for name, indexes in sorted(rows.items())
    }


def _summary(kind: Kind, values: Column) -> float | dict[str, float]:
    present = _present(values)
    if kind == "number":
        return math.fsum(float(value) for value in present) / len(present) if present else 0.0
    counted = Counter(map(str, present))
    return {level: count / len(present) for level, count in sorted(counted.items())}


def _present(column: Column) -> list[float | str]:
    return [value for value in column if value is not None and not _is_missing(value)]


def _is_missing(value: Value) -> bool:
    # NaN is not equal to itself.
    return value is None or value != value  # noqa: PLR0124
