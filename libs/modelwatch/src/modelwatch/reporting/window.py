"""The distributions of a window of the log, counted in the bins of the reference."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from modelwatch.profile import (
    OTHER,
    CategoryProfile,
    NumberProfile,
    ReferenceProfile,
    group_names,
)
from modelwatch.reporting.log_tables import LogTables
from modelwatch.reporting.sql import identifier, text_literal
from modelwatch.schema import feature_column, output_column

__all__ = [
    "MAX_GROUPS",
    "UNSEEN",
    "WindowColumn",
    "group_expression",
    "named_columns",
    "number_expression",
    "read_columns",
]

MAX_GROUPS: Final = 20
"""Groups of a feature that are compared: the frequent ones."""

UNSEEN: Final = "(unseen)"
"""Levels that the reference has not, together."""

_NAMED_UNSEEN: Final = 5


class WindowColumn(NamedTuple):
    """A column of a window, or nothing of it if the log has no such column.

    Attributes:
        rows: Number of rows, missing values included.
        missing: Rows without a value.
        counts: Rows in each bin of the reference: of a number one for each edge, then the values
            above the last one; of a category one for each level, then the unseen ones.
        unseen: Rows whose value the reference has not: another level, or a number out of its range.
        examples: Unseen levels, the frequent ones first.
    """

    rows: int
    missing: int
    counts: tuple[int, ...]
    unseen: int
    examples: tuple[str, ...] = ()

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing


def number_expression(column: str) -> str:
    """Expression of a numeric column in which NaN is null."""
    name = identifier(column)
    return f"(case when isnan({name}) then null else {name} end)"


def group_expression(profile: ReferenceProfile, feature: str) -> str:
    """Expression of the group of a row, by a group feature."""
    column = identifier(feature_column(feature))
    edges = profile.group_edges.get(feature)
    if edges is None:
        return f"coalesce({column}, '(missing)')"
    value, names = number_expression(feature_column(feature)), group_names(edges)
    cases = " ".join(
        f"when {value} < {edge!r} then {text_literal(name)}"
        for edge, name in zip(edges, names, strict=False)
    )
    return f"case when {value} is null then '(missing)' {cases} else {text_literal(names[-1])} end"


def read_columns(
    tables: LogTables, profile: ReferenceProfile, source: str
) -> dict[str, WindowColumn]:
    """The columns of a window that the profile has, by their names in the log.

    Args:
        tables: The log.
        profile: The reference.
        source: Table or view with the rows of the window.
    """
    found = {}
    for column, reference in named_columns(profile).items():
        if column not in tables.columns:
            continue
        if isinstance(reference, NumberProfile):
            found[column] = _number(tables, column, reference, source)
        else:
            found[column] = _category(tables, column, reference, source)
    return found


def named_columns(profile: ReferenceProfile) -> dict[str, NumberProfile | CategoryProfile]:
    """The columns of a profile, by their names in the log."""
    features: Mapping[str, NumberProfile | CategoryProfile] = profile.features
    return {feature_column(name): column for name, column in features.items()} | {
        output_column(name): column for name, column in profile.outputs.items()
    }


def _number(tables: LogTables, column: str, reference: NumberProfile, source: str) -> WindowColumn:
    value = number_expression(column)
    edges = f"[{', '.join(f'{edge!r}::double' for edge in reference.edges)}]"
    row = tables.connection.execute(
        f"select count(*), count({value}), histogram({value}, {edges}), "
        f"count(*) filter ({value} < {reference.low!r} or {value} > {reference.high!r}) "
        f"from {source}"
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    rows, present, histogram, outside = row
    bins = dict(histogram or {})
    counts = [int(bins.get(edge, 0)) for edge in reference.edges]
    counts.append(int(present) - sum(counts))
    return WindowColumn(int(rows), int(rows) - int(present), tuple(counts), int(outside))


def _category(
    tables: LogTables, column: str, reference: CategoryProfile, source: str
) -> WindowColumn:
    name = identifier(column)
    levels = [level for level in reference.levels if level != OTHER]
    rare = reference.rare_levels
    known = _in(name, levels)
    query = f"""
        select case when {known} then {name} when {_in(name, rare)} then {text_literal(OTHER)} end,
            {name} is null, count(*)
        from {source} group by all
    """
    counted = tables.connection.execute(query).fetchall()
    by_level = {level: int(count) for level, _, count in counted if level is not None}
    missing = sum(int(count) for level, is_null, count in counted if level is None and is_null)
    unseen = sum(int(count) for level, is_null, count in counted if level is None and not is_null)
    examples: list[tuple[str, int]] = []
    if unseen:
        examples = tables.connection.execute(
            f"select {name}, count(*) from {source} where not {known} and not {_in(name, rare)} "
            f"group by 1 order by 2 desc, 1 limit {_NAMED_UNSEEN}"
        ).fetchall()
    counts = [by_level.get(level, 0) for level in reference.levels]
    return WindowColumn(
        rows=sum(counts) + missing + unseen,
        missing=missing,
        counts=(*counts, unseen),
        unseen=unseen,
        examples=tuple(level for level, _ in examples),
    )


def _in(name: str, levels: Sequence[str]) -> str:
    return f"{name} in ({', '.join(map(text_literal, levels))})" if levels else "false"
