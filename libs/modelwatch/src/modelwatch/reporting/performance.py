"""Performance on the rows whose outcome is known, with bootstrap intervals.

The rows are counted in cells, and the cells are resampled, so that the time does not grow with the
rows. Probabilities are rounded to `PROBABILITY_STEPS` for that; sums of errors are resampled in
`BLOCKS` blocks of rows.
"""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from modelwatch.profile import Task
from modelwatch.reporting.log_tables import LogTables
from modelwatch.reporting.metrics import (
    BINARY,
    CLASSES,
    HIGHER_IS_BETTER,
    MAX_CLASSES,
    NUMBERS,
    PROBABILITY_STEPS,
    Floats,
    Metric,
    calibration_points,
    coverage,
)
from modelwatch.reporting.sql import identifier, text_literal
from modelwatch.schema import output_column

__all__ = ["MIN_OUTCOMES", "Estimate", "Performance", "measure"]

BLOCKS: Final = 1_000
RESAMPLES: Final = 500
CONFIDENCE: Final = 0.95
MIN_OUTCOMES: Final = 200
"""Fewer outcomes than these are not measured."""

_SEED: Final = 0


class Estimate(NamedTuple):
    """A metric with its interval.

    Attributes:
        value: The metric of all rows.
        low: Lower end of the 95% bootstrap interval.
        high: Upper end.
        worse: Whether the metric is worse than the reference by the whole interval of their
            difference; None without a reference.
    """

    value: float
    low: float
    high: float
    worse: bool | None = None


class Performance(NamedTuple):
    """The performance of some rows.

    Attributes:
        rows: Rows with an outcome.
        metrics: Metrics by name; empty if there are too few rows.
        calibration: For each tenth of the probabilities with rows: the mean probability, the share
            of positive outcomes, and the rows.
    """

    rows: int
    metrics: dict[str, Estimate]
    calibration: tuple[tuple[float, float, int], ...] = ()


def measure(
    tables: LogTables, task: Task, source: str, *, evaluated: int | None = None
) -> Performance:
    """Measure the performance of the rows of a table.

    Args:
        tables: The log.
        task: How outputs are compared with the outcomes.
        source: Table or query with the outputs and the column ``outcome`` (text).
        evaluated: Rows of the evaluation that ``task.performance`` is of. Its metrics are taken to
            be as noisy as those of as many rows of the table; None takes them for exact.
    """
    cells, metrics = _KINDS[task.kind](tables, task, source)
    rows = int(cells[:, 0].sum())
    if rows < MIN_OUTCOMES:
        return Performance(rows, {})
    random = np.random.default_rng(_SEED)
    resampled = _resample(cells, additive=task.kind == "number", random=random)
    # The interval of a difference of two independent samples is wider than that of one of them.
    wider = math.sqrt(1 + rows / evaluated) if evaluated else 1.0
    return Performance(
        rows,
        {
            name: _compare(name, _estimate(metric, cells, resampled), task.performance, wider)
            for name, metric in metrics.items()
        },
        calibration_points(cells) if task.kind == "binary" else (),
    )


def _resample(cells: Floats, *, additive: bool, random: np.random.Generator) -> list[Floats]:
    """Bootstrap samples of cells: of their rows, or of blocks of rows as wholes."""
    if additive:
        size = len(cells)
        return [cells[random.integers(size, size=size)] for _ in range(RESAMPLES)]
    counts = cells[:, 0]
    drawn = random.multinomial(int(counts.sum()), counts / counts.sum(), size=RESAMPLES)
    return [np.column_stack([one, cells[:, 1:]]) for one in drawn]


def _estimate(metric: Metric, cells: Floats, resampled: list[Floats]) -> Estimate:
    tail = (1 - CONFIDENCE) / 2
    values = [metric(one) for one in resampled]
    low, high = (float(end) for end in np.nanquantile(values, [tail, 1 - tail]))
    return Estimate(metric(cells), low, high)


def _compare(name: str, found: Estimate, reference: Mapping[str, float], wider: float) -> Estimate:
    """Tell whether a metric is worse: by an interval of its difference from the reference."""
    if name not in reference:
        return found
    if name in HIGHER_IS_BETTER or name == "coverage":
        worse = found.value + wider * (found.high - found.value) < reference[name]
    else:
        worse = found.value - wider * (found.value - found.low) > reference[name]
    return found._replace(worse=worse)


def _fetch(tables: LogTables, query: str, columns: int) -> Floats:
    rows = tables.connection.execute(query).fetchall()
    return np.array(rows, dtype=float).reshape(-1, columns)


def _binary(tables: LogTables, task: Task, source: str) -> tuple[Floats, dict[str, Metric]]:
    """Cells of rows, probability and outcome (0 or 1)."""
    score = identifier(output_column(task.output))
    query = f"""
        select count(*), avg({score}), positive from (
            select {score}, (outcome = {text_literal(task.positive)})::int as positive
            from {source} where outcome is not null and {score} between 0 and 1
        ) group by floor({score} * {PROBABILITY_STEPS}), positive
    """
    return _fetch(tables, query, 3), BINARY


def _classes(tables: LogTables, task: Task, source: str) -> tuple[Floats, dict[str, Metric]]:
    """Cells of rows, predicted class and outcome, as numbers of the frequent labels."""
    label = identifier(output_column(task.output))
    rows = tables.connection.execute(
        f"select {label}, outcome, count(*) from {source} "
        f"where outcome is not null and {label} is not null group by all order by 3 desc"
    ).fetchall()
    names: dict[str, int] = {}
    for predicted, outcome, _ in rows:
        for name in (predicted, outcome):
            names.setdefault(name, min(len(names), MAX_CLASSES))
    cells = [(count, names[predicted], names[outcome]) for predicted, outcome, count in rows]
    return np.array(cells, dtype=float).reshape(-1, 3), CLASSES


def _number(tables: LogTables, task: Task, source: str) -> tuple[Floats, dict[str, Metric]]:
    """Cells of blocks of rows: rows, absolute error, absolute outcome, error, rows inside."""
    value = identifier(output_column(task.output))
    inside = "0"
    metrics = NUMBERS
    if task.low is not None and task.high is not None:
        ends = [identifier(output_column(name)) for name in (task.low, task.high)]
        inside = f"(truth between {ends[0]} and {ends[1]})::int"
        metrics = NUMBERS | {"coverage": coverage}
    query = f"""
        select count(*), sum(abs({value} - truth)), sum(abs(truth)), sum({value} - truth),
            sum({inside})
        from (select *, try_cast(outcome as double) as truth from {source})
        where isfinite(truth) and isfinite({value})
        group by hash(prediction_id) % {BLOCKS}
    """
    return _fetch(tables, query, 5), metrics


_KINDS: Final = {"binary": _binary, "classes": _classes, "number": _number}
