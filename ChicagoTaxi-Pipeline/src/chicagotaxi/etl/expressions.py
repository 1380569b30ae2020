"""What the pipeline computes of classified trips: Ibis expressions for any engine.

A row is *placed* by two numbers. A kept trip's are the year and month of its start. A dropped
row's are 0 and the number of the rule that it broke; a trip whose identifier may occur again is
put under the number of that rule until the first of its kind is found.

Its *tally* is one number for what is counted of every row: the rule that it broke and its marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import ibis
import ibis.expr.types as ir

from chicagotaxi.etl.parse import POSITION, RAW_SEPARATOR, EngineFunctions, classify
from chicagotaxi.etl.rules import DUPLICATE, NAMES
from chicagotaxi.sources.columns import COLUMNS
from chicagotaxi.sources.input_files import SourceGroup

PLACE: Final = ("year", "month")
REPEATED: Final = NAMES.index(DUPLICATE)
TALLY: Final = "tally"
_MARKS: Final = 64

Inputs = Sequence[tuple[SourceGroup, ir.Table]]


@dataclass(frozen=True)
class Tally:
    """What a row's tally says.

    Attributes:
        rule: The name of the first rule broken; None of a row that may be kept.
        marks: The bits of `chicagotaxi.etl.time_zones.MARKS`.
    """

    rule: str | None
    marks: int

    @classmethod
    def of(cls, number: int) -> "Tally":
        """Read the number that `placed` gave a row."""
        marks, rule = divmod(number, _MARKS)
        return cls(NAMES[rule - 1] if rule else None, marks)


def files(paths: Sequence[str], functions: EngineFunctions) -> ir.Table:
    """The fingerprint of every path."""
    source = ibis.array(list(paths)).unnest().name("source").as_table()
    return source.mutate(file=functions.fingerprint(source.source))


def classified(inputs: Inputs, functions: EngineFunctions, *, now: datetime) -> ir.Table:
    """The rows of all inputs in their order, parsed, each with the first rule that it breaks."""
    tables = [
        classify(raw, group.dialect, group.time_kinds, functions, now=now) for group, raw in inputs
    ]
    return _one_after_the_other(tables)


def placed(rows: ir.Table) -> ir.Table:
    """Give every row its place, as if no identifier came again, and its tally.

    Args:
        rows: As `classified` gives them.
    """
    kept = rows.rule.isnull()
    return rows.mutate(
        year=kept.ifelse(rows.start.year(), 0).cast("int32"),
        month=kept.ifelse(rows.start.month(), rows.rule).cast("int32"),
        **{TALLY: (kept.ifelse(0, rows.rule + 1) + rows.marks * _MARKS).cast("int32")},
    )


def examples(rows: ir.Table, rule: int, source: str, *, ordered: bool) -> ir.Table:
    """The first three rows of a file that a rule dropped, as ``raw`` shows them.

    Args:
        rows: As `classified` gives them.
        rule: The number of the rule.
        source: The path of the file.
        ordered: Whether an engine gives rows in the order of the input, without sorting them.
    """
    broken = rows.filter((rows.rule == rule) & (rows.source == source))
    if not ordered:
        broken = broken.order_by([broken[name] for name in POSITION])
    return broken.select("raw").limit(3)


def firsts(trips: ir.Table) -> ir.Table:
    """Of each identifier and month the trip that the input has first, at its place.

    Args:
        trips: With their ``position``.
    """
    ranked = _ranked(trips, trips.position)
    return ranked.filter(ranked["rank"] == 0).select(
        *COLUMNS,
        year=lambda t: t.start.year().cast("int32"),
        month=lambda t: t.start.month().cast("int32"),
    )


def unless_written(trips: ir.Table, written: ir.Table) -> ir.Table:
    """Those whose identifier is not among the written trips of their month."""
    key = ["trip_id", *PLACE]
    # What an engine holds in memory is the right side of a join: not what was written, but what of
    # it is looked for.
    there = written.select(key).semi_join(trips.select(key), key)
    return trips.anti_join(there, key)


def droppable(rows: ir.Table, repeats: ir.Table | None) -> ir.Table:
    """The rows that break a rule, and those of identifiers that occur again.

    Args:
        rows: As `classified` gives them.
        repeats: Trips whose identifiers they are; None where there are none.
    """
    if repeats is None:
        return rows.filter(rows.rule.notnull())
    again = repeats.select(again=repeats.trip_id).distinct()
    joined = rows.left_join(again, rows.trip_id == again.again)
    return joined.filter(joined.rule.notnull() | joined.again.notnull()).drop("again")


def quarantined(rows: ir.Table) -> ir.Table:
    """Dropped rows as the source has them, with their file and the number of the rule.

    Args:
        rows: As `droppable` gives them.
    """
    others = rows.filter(rows.rule.notnull())
    trips = rows.filter(rows.rule.isnull())
    group, *within = (trips[name] for name in POSITION)
    ranked = _ranked(trips, group, trips.source, *within)
    number = ibis.literal(REPEATED, rows.rule.type())
    repeats = ranked.filter(ranked["rank"] > 0).mutate(rule=number)
    return ibis.union(_as_given(others), _as_given(repeats))


def demand(trips: ir.Table) -> ir.Table:
    """Trips by hour and area, with sums of fares and miles as whole hundredths."""
    return trips.group_by(
        *PLACE,
        hour=trips.start.truncate("h"),
        area=trips.pickup_area,
    ).agg(
        trips=trips.count().cast("int32"),
        fare_cents=_hundredths(trips.fare).sum().cast("int64"),
        fares=trips.fare.count(),
        hundredths=_hundredths(trips.miles).sum().cast("int64"),
        distances=trips.miles.count(),
    )


def _one_after_the_other(tables: Sequence[ir.Table]) -> ir.Table:
    """The rows of tables in their order: of three, `ibis.union` would put the last one first.

    In halves, so that hundreds of tables nest a few levels deep.
    """
    if len(tables) == 1:
        return tables[0]
    half = len(tables) // 2
    return _one_after_the_other(tables[:half]).union(_one_after_the_other(tables[half:]))


def _ranked(trips: ir.Table, *order: ir.Value) -> ir.Table:
    """Number the trips of each identifier and month in an order, from ``rank`` 0.

    Per month, because a month is what is replaced: what one gives must not depend on which others
    are in the same run.
    """
    groups = [trips.trip_id, trips.start.year(), trips.start.month()]
    return trips.mutate(rank=ibis.row_number().over(group_by=groups, order_by=order))


def _as_given(rows: ir.Table) -> ir.Table:
    given = rows.raw.split(RAW_SEPARATOR)
    return rows.select(
        "source", "rule", **{name: given[place].nullif("") for place, name in enumerate(COLUMNS)}
    )


def _hundredths(value: ir.FloatingValue) -> ir.IntegerValue:
    return (value * 100.0 + 0.5).floor().cast("int64")
