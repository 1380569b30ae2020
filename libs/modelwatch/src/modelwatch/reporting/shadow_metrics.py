"""Metrics of challenger and model in use on the same rows, with a paired bootstrap."""

from typing import Final

import numpy as np

from modelwatch.challenge.bootstrap import Comparison, compare
from modelwatch.profile import Task
from modelwatch.reporting.log_tables import LogTables
from modelwatch.reporting.metrics import (
    BINARY,
    CLASSES,
    MAX_CLASSES,
    NUMBERS,
    ROW_VALUES,
    Floats,
    Metric,
    coverage,
)
from modelwatch.reporting.performance import MIN_OUTCOMES
from modelwatch.reporting.shadow_differences import BOTH
from modelwatch.reporting.sql import identifier, text_literal

__all__ = ["compare_metrics"]

MAX_COMPARED: Final = 20_000
"""Pairs with an outcome whose metrics are compared, of larger windows."""


def compare_metrics(
    tables: LogTables, task: Task | None, known: int, *, group: str | None = None
) -> tuple[int, dict[str, Comparison]]:
    """The metrics of both on pairs with an outcome; how many pairs, and the metrics.

    Args:
        tables: The log, with its pairs.
        task: How outputs are compared with outcomes.
        known: Pairs with an outcome, of all groups.
        group: Condition that chooses a group, of which only metrics that are sums or means are
            compared: the others take seconds. None for all pairs.
    """
    if task is None or known < MIN_OUTCOMES:
        return 0, {}
    every = -(-known // MAX_COMPARED)
    source = (
        f"(select * from pairs where outcome is not null and {group or 'true'} "
        f"and hash(prediction_id) % {every} = 0)"
    )
    champion, challenger, metrics = _CELLS[task.kind](tables, task, source)
    rows = len(champion)
    if rows < MIN_OUTCOMES:
        return rows, {}
    blocks = np.arange(rows, dtype=np.int64)
    additive = task.kind == "number"
    return rows, {
        name: compare(name, metric, champion, challenger, blocks, additive=additive)
        for name, metric in metrics.items()
        if group is None or additive or name in ROW_VALUES
    }


def _fetch(tables: LogTables, query: str) -> Floats:
    found = tables.connection.execute(query).fetchnumpy()
    return np.column_stack([np.asarray(values, dtype=np.float64) for values in found.values()])


def _binary_cells(
    tables: LogTables, task: Task, source: str
) -> tuple[Floats, Floats, dict[str, Metric]]:
    names = [identifier(name(task.output)) for name in BOTH]
    found = _fetch(
        tables,
        f"select {names[0]} as x, {names[1]} as y, (outcome = {text_literal(task.positive)})::int "
        f"as z from {source} where {names[0]} between 0 and 1 and {names[1]} between 0 and 1",
    )
    ones = np.ones(len(found))
    champion, challenger = (np.column_stack([ones, found[:, i], found[:, 2]]) for i in (0, 1))
    return champion, challenger, BINARY


def _class_cells(
    tables: LogTables, task: Task, source: str
) -> tuple[Floats, Floats, dict[str, Metric]]:
    names = [identifier(name(task.output)) for name in BOTH]
    rows = tables.connection.execute(
        f"select {names[0]}, {names[1]}, outcome from {source} "
        f"where {names[0]} is not null and {names[1]} is not null"
    ).fetchall()
    codes: dict[str, float] = {}
    for one in sorted(rows, key=lambda row: str(row[2])):
        for name in (one[2], one[0], one[1]):
            codes.setdefault(str(name), float(min(len(codes), MAX_CLASSES)))
    cells = [
        np.array([(1.0, codes[str(row[i])], codes[str(row[2])]) for row in rows]).reshape(-1, 3)
        for i in (0, 1)
    ]
    return cells[0], cells[1], CLASSES


def _number_cells(
    tables: LogTables, task: Task, source: str
) -> tuple[Floats, Floats, dict[str, Metric]]:
    metrics, cells = NUMBERS, []
    for name in BOTH:
        value, inside = identifier(name(task.output)), "0"
        if task.low is not None and task.high is not None:
            low, high = (identifier(name(end)) for end in (task.low, task.high))
            inside = f"(z between {low} and {high})::int"
            metrics = NUMBERS | {"coverage": coverage}
        cells.append(f"abs({value} - z), abs(z), {value} - z, {inside}")
    finite = " and ".join(f"isfinite({identifier(name(task.output))})" for name in BOTH)
    found = _fetch(
        tables,
        f"select {', '.join(cells)} from (select *, try_cast(outcome as double) as z "
        f"from {source}) where isfinite(z) and {finite}",
    )
    ones = np.ones(len(found))
    champion, challenger = (np.column_stack([ones, found[:, i : i + 4]]) for i in (0, 4))
    return champion, challenger, metrics


_CELLS: Final = {"binary": _binary_cells, "classes": _class_cells, "number": _number_cells}
