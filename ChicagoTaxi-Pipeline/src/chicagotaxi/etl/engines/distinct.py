"""Expressions and file moves that engines share to keep the first row of each key."""

from collections.abc import Sequence
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow.parquet as pq


def first_rows(rows: ir.Table, *, key: str, by: Sequence[str]) -> ir.Table:
    """The first row of each key and sub-folder, in the order of the input.

    Args:
        rows: Rows with their ``position``, which is dropped.
        key: The column with the key.
        by: The columns that name the sub-folders.
    """
    groups = [rows[name] for name in (key, *by)]
    ranked = rows.mutate(rank=ibis.row_number().over(group_by=groups, order_by=rows.position))
    return ranked.filter(ranked["rank"] == 0).drop("rank", "position")


def unless_written(rows: ir.Table, written: ir.Table, columns: Sequence[str]) -> ir.Table:
    """The rows whose values in some columns are not among those of the written rows."""
    # Engines hold the right side of a join in memory. So that this is never all that was written,
    # the written rows are first reduced to those that are looked for.
    found = written.select(columns).semi_join(rows.select(columns), columns)
    return rows.anti_join(found, columns)


def count_rows(folder: Path) -> int:
    """Number of rows of a folder's Parquet files, by their footers."""
    return sum(pq.read_metadata(path).num_rows for path in folder.rglob("*.parquet"))


def move_files(source: Path, destination: Path, *, prefix: str) -> int:
    """Move the Parquet files of a folder into the same sub-folders of another.

    Returns:
        Their number of rows.
    """
    rows = count_rows(source)
    for path in sorted(source.rglob("*.parquet")):
        target = destination / path.parent.relative_to(source)
        target.mkdir(parents=True, exist_ok=True)
        path.rename(target / f"{prefix}{path.name}")
    return rows
