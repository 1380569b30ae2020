"""Performance on the rows whose outcome is known, with bootstrap intervals.

The rows are counted in cells, and the cells are resampled, so that the time does not grow with the
rows. Probabilities are rounded to `PROBABILITY_STEPS` for that; sums of errors are resampled in
`BLOCKS` blocks of rows.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from modelwatch.profile import Task
from modelwatch.reporting.log_tables import LogTables, identifier, text_literal
from modelwatch.schema import output_column

__all__ = ["HIGHER_IS_BETTER", "MIN_OUTCOMES", "Estimate", "Performance", "measure"]

PROBABILITY_STEPS: Final = 2_000
BLOCKS: Final = 1_000
RESAMPLES: Final = 500
CONFIDENCE: Final = 0.95
MIN_OUTCOMES: Final = 200
"""Fewer outcomes than these are not measured."""

MAX_CLASSES: Final = 50

HIGHER_IS_BETTER: Final = frozenset({"auc", "accuracy", "macro_f1"})

_CALIBRATION_BINS: Final = 10
_SEED: Final = 0

Floats = npt.NDArray[np.float64]
Metric = Callable[[Floats], float]


class Estimate(NamedTuple):
    """A metric with its interval.

    Attributes:
        value: The metric of all rows.
        low: Lower end of the 95% bootstrap interval.
        high: Upper end.
        worse: Whether the whole interval is worse than the reference; None without a reference.
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


def measure(tables: LogTables, task: Task, source: str) -> Performance:
    """Measure the performance of the rows of a table.

    Args:
        tables: The log.
        task: How outputs are compared with the outcomes.
        source: Table or query with the outputs and the column ``outcome`` (text).
    """
    cells, metrics = _KINDS[task.kind](tables, task, source)
    rows = int(cells[:, 0].sum())
    if rows < MIN_OUTCOMES:
        return Performance(rows, {})
    random = np.random.default_rng(_SEED)
    resampled = _resample(cells, additive=task.kind == "number", random=random)
    return Performance(
        rows,
        {
            name: _estimate(name, metric, cells, resampled, task.performance)
            for name, metric in metrics.items()
        },
        _calibration(cells) if task.kind == "binary" else (),
    )


def _resample(cells: Floats, *, additive: bool, random: np.random.Generator) -> list[Floats]:
    """Bootstrap samples of cells: of their rows, or of blocks of rows as wholes."""
    if additive:
        size = len(cells)
        return [cells[random.integers(size, size=size)] for _ in range(RESAMPLES)]
    counts = cells[:, 0]
    drawn = random.multinomial(int(counts.sum()), counts / counts.sum(), size=RESAMPLES)
    return [np.column_stack([one, cells[:, 1:]]) for one in drawn]


def _estimate(
    name: str,
    metric: Metric,
    cells: Floats,
    resampled: list[Floats],
    reference: Mapping[str, float],
) -> Estimate:
    value = metric(cells)
    tail = (1 - CONFIDENCE) / 2
    values = [metric(one) for one in resampled]
    low, high = (float(end) for end in np.nanquantile(values, [tail, 1 - tail]))
    worse = None
    if name in reference:
        before = reference[name]
        worse = high < before if name in HIGHER_IS_BETTER else low > before
        if name == "coverage":
            worse = high < before
    return Estimate(value, low, high, worse)


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
    metrics: dict[str, Metric] = {
        "auc": _auc,
        "log_loss": _log_loss,
        "brier": _brier,
        "calibration_error": _calibration_error,
    }
    return _fetch(tables, query, 3), metrics


def _auc(cells: Floats) -> float:
    """The probability that a positive row has a higher score than a negative one."""
    counts, scores, positive = cells.T
    order = np.argsort(scores, kind="stable")
    steps = np.floor(scores[order] * PROBABILITY_STEPS).astype(int)
    size = PROBABILITY_STEPS + 1
    positives = np.bincount(steps, weights=(counts * positive)[order], minlength=size)
    negatives = np.bincount(steps, weights=(counts * (1 - positive))[order], minlength=size)
    if not positives.any() or not negatives.any():
        return float("nan")
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / (positives.sum() * negatives.sum()))


def _log_loss(cells: Floats) -> float:
    counts, scores, positive = cells.T
    right = np.clip(np.where(positive == 1, scores, 1 - scores), 1e-15, 1.0)
    return float(-(counts * np.log(right)).sum() / counts.sum())


def _brier(cells: Floats) -> float:
    counts, scores, positive = cells.T
    return float((counts * (scores - positive) ** 2).sum() / counts.sum())


def _calibration_error(cells: Floats) -> float:
    found = _calibration(cells)
    rows = sum(count for _, _, count in found)
    return sum(count * abs(mean - share) for mean, share, count in found) / rows


def _calibration(cells: Floats) -> tuple[tuple[float, float, int], ...]:
    counts, scores, positive = cells.T
    bins = np.minimum((scores * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    found = []
    for one in range(_CALIBRATION_BINS):
        here = bins == one
        if rows := counts[here].sum():
            mean = (counts * scores)[here].sum() / rows
            share = (counts * positive)[here].sum() / rows
            found.append((float(mean), float(share), int(rows)))
    return tuple(found)


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
    return np.array(cells, dtype=float).reshape(-1, 3), {
        "accuracy": _accuracy,
        "macro_f1": _macro_f1,
    }


def _accuracy(cells: Floats) -> float:
    counts, predicted, outcome = cells.T
    return float(counts[predicted == outcome].sum() / counts.sum())


def _macro_f1(cells: Floats) -> float:
    """The mean of the F1 of the classes that occur, as prediction or as outcome."""
    counts, predicted, outcome = cells.T
    size = MAX_CLASSES + 1
    right = predicted == outcome
    both = np.bincount(predicted.astype(int), weights=counts * right, minlength=size)
    total = np.bincount(predicted.astype(int), weights=counts, minlength=size) + np.bincount(
        outcome.astype(int), weights=counts, minlength=size
    )
    occurring = total > 0
    return float((2 * both[occurring] / total[occurring]).mean())


def _number(tables: LogTables, task: Task, source: str) -> tuple[Floats, dict[str, Metric]]:
    """Cells of blocks of rows: rows, absolute error, absolute outcome, error, rows inside."""
    value = identifier(output_column(task.output))
    inside = "0"
    metrics: dict[str, Metric] = {
        "wape": lambda cells: _ratio(cells, 1, 2),
        "bias": lambda cells: _ratio(cells, 3, 2),
        "mae": lambda cells: _ratio(cells, 1, 0),
    }
    if task.low is not None and task.high is not None:
        ends = [identifier(output_column(name)) for name in (task.low, task.high)]
        inside = f"(truth between {ends[0]} and {ends[1]})::int"
        metrics["coverage"] = lambda cells: _ratio(cells, 4, 0)
    query = f"""
        select count(*), sum(abs({value} - truth)), sum(abs(truth)), sum({value} - truth),
            sum({inside})
        from (select *, try_cast(outcome as double) as truth from {source})
        where isfinite(truth) and isfinite({value})
        group by hash(prediction_id) % {BLOCKS}
    """
    return _fetch(tables, query, 5), metrics


def _ratio(cells: Floats, upper: int, lower: int) -> float:
    total = cells[:, lower].sum()
    return float(cells[:, upper].sum() / total) if total else float("nan")


_KINDS: Final = {"binary": _binary, "classes": _classes, "number": _number}
