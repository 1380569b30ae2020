"""How the outputs of challenger and model in use differ, in the table ``pairs`` of both answers."""

from typing import Final, NamedTuple

from modelwatch.reporting.log_tables import LogTables
from modelwatch.reporting.sql import identifier
from modelwatch.reporting.window import number_expression

__all__ = [
    "BOTH",
    "GRID",
    "MAX_LEVELS",
    "CategoryDifference",
    "NumberDifference",
    "category_difference",
    "challenger_column",
    "champion_column",
    "number_difference",
]

MAX_SAMPLED: Final = 1_000_000
"""Pairs from which quantiles are computed, of larger windows."""

MAX_LEVELS: Final = 20
GRID: Final = 24
QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


class NumberDifference(NamedTuple):
    """How a number of the challenger differs from that of the model in use.

    Attributes:
        pairs: Pairs in which both have a value.
        champion: Mean of the model in use.
        challenger: Mean of the challenger.
        mean: Mean of the differences, challenger minus champion.
        mean_absolute: Mean of their absolute values.
        quantiles: Quantiles of the differences.
        grid: Pairs in cells: the champion's value, the challenger's, and the number of pairs. The
            values are the numbers of intervals, below `GRID`.
        low: Lower end of the first interval of `grid`.
        high: Upper end of the last one.
    """

    pairs: int
    champion: float
    challenger: float
    mean: float
    mean_absolute: float
    quantiles: dict[str, float]
    grid: tuple[tuple[int, int, int], ...]
    low: float
    high: float


class CategoryDifference(NamedTuple):
    """How often a category of the challenger is that of the model in use.

    Attributes:
        pairs: Pairs in which both have a value.
        agreement: Share of them with the same value.
        confusion: The champion's value, the challenger's, and the number of pairs; the frequent
            ones first.
    """

    pairs: int
    agreement: float
    confusion: tuple[tuple[str, str, int], ...]


def champion_column(name: str) -> str:
    """The column of ``pairs`` with an output of the model in use."""
    return f"champion.{name}"


def challenger_column(name: str) -> str:
    """The column of ``pairs`` with an output of the challenger."""
    return f"challenger.{name}"


def number_difference(tables: LogTables, name: str, pairs: int) -> NumberDifference | None:
    """How a number differs in a number of pairs; None if no pair has it."""
    champion, challenger = (
        number_expression(column) for column in (champion_column(name), challenger_column(name))
    )
    both = f"(select {champion} as x, {challenger} as y, prediction_id from pairs)"
    [row] = tables.connection.execute(
        f"select count(*), avg(x), avg(y), avg(y - x), avg(abs(y - x)) from {both} "
        "where isfinite(x) and isfinite(y)"
    ).fetchall()
    if not row[0]:
        return None
    every = -(-pairs // MAX_SAMPLED)
    sampled = f"{both} where isfinite(x) and isfinite(y) and hash(prediction_id) % {every} = 0"
    [(quantiles, low, high)] = tables.connection.execute(
        f"select quantile_cont(y - x, {list(QUANTILES)}), "
        "least(quantile_cont(x, 0.01), quantile_cont(y, 0.01)), "
        f"greatest(quantile_cont(x, 0.99), quantile_cont(y, 0.99)) from {sampled}"
    ).fetchall()
    # What is beyond belongs to the first and the last cell.
    width = (high - low) / GRID or 1.0
    cells = [
        f"greatest(0, least({GRID - 1}, floor(({one} - {low!r}) / {width!r})))::int" for one in "xy"
    ]
    grid = tables.connection.execute(
        f"select {cells[0]}, {cells[1]}, count(*) from {sampled} group by all order by all"
    ).fetchall()
    return NumberDifference(
        pairs=int(row[0]),
        champion=float(row[1]),
        challenger=float(row[2]),
        mean=float(row[3]),
        mean_absolute=float(row[4]),
        quantiles={str(level): float(one) for level, one in zip(QUANTILES, quantiles, strict=True)},
        grid=tuple((int(x), int(y), int(count)) for x, y, count in grid),
        low=float(low),
        high=float(high),
    )


def category_difference(tables: LogTables, name: str) -> CategoryDifference | None:
    """How a category differs; None if no pair has it."""
    champion, challenger = identifier(champion_column(name)), identifier(challenger_column(name))
    both = f"from pairs where {champion} is not null and {challenger} is not null"
    [(pairs, equal)] = tables.connection.execute(
        f"select count(*), count(*) filter ({champion} = {challenger}) {both}"
    ).fetchall()
    if not pairs:
        return None
    cells = tables.connection.execute(
        f"select {champion}, {challenger}, count(*) {both} group by all order by 3 desc, 1, 2 "
        f"limit {MAX_LEVELS**2}"
    ).fetchall()
    confusion = tuple((str(one), str(other), int(count)) for one, other, count in cells)
    return CategoryDifference(int(pairs), int(equal) / int(pairs), confusion)


BOTH: Final = (champion_column, challenger_column)
"""The columns of both models."""
