"""Ibis expressions of the pipeline over classified trips, for any engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import ibis
import ibis.expr.types as ir

from chicagotaxi.etl.engines.protocol import POSITION, EngineFunctions
from chicagotaxi.etl.parse import RAW_SEPARATOR, classify
from chicagotaxi.etl.rules import DUPLICATE, NAMES
from chicagotaxi.sources.columns import COLUMNS
from chicagotaxi.sources.input_files import SourceGroup

MONTH: Final = ("year", "month")
TALLY: Final = "tally"
KEPT: Final = "kept"
_MARKS: Final = 64

Inputs = Sequence[tuple[SourceGroup, ir.Table]]


@dataclass(frozen=True)
class Tally:
    """The counted properties of a row, which `with_tally` encodes as one number.

    Attributes:
        rule: Name of the first rule that the row breaks; None if it may be kept.
        marks: Bits of `chicagotaxi.etl.time_zones.MARKS`.
    """

    rule: str | None
    marks: int

    @classmethod
    def of(cls, number: int) -> "Tally":
        """Decode a number."""
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
    return _concatenated(tables)


def with_tally(rows: ir.Table) -> ir.Table:
    """Classified rows with whether they are `KEPT`, their year and `MONTH`, and their `TALLY`.

    Rejected rows have a year and month too, if they have a start. Repeated identifiers are not
    known yet.
    """
    kept = rows.rule.isnull()
    return rows.mutate(
        year=rows.start.year().cast("int32"),
        month=rows.start.month().cast("int32"),
        **{KEPT: kept, TALLY: (kept.ifelse(0, rows.rule + 1) + rows.marks * _MARKS).cast("int32")},
    )


def broken(rows: ir.Table, rule: int, source: str) -> ir.Table:
    """The ``raw`` text and `POSITION` of a file's rows that break a rule."""
    found = rows.filter((rows.rule == rule) & (rows.source == source))
    return found.select("raw", *POSITION)


def droppable(rows: ir.Table, repeats: ir.Table | None) -> ir.Table:
    """The rows that break a rule, and all rows with an identifier that occurs again."""
    if repeats is None:
        return rows.filter(rows.rule.notnull())
    again = repeats.select(again=repeats.trip_id).distinct()
    joined = rows.left_join(again, rows.trip_id == again.again)
    return joined.filter(joined.rule.notnull() | joined.again.notnull()).drop("again")


def quarantined(rows: ir.Table) -> ir.Table:
    """Dropped rows as the source has them, with their file and the number of the rule."""
    others = rows.filter(rows.rule.notnull())
    trips = rows.filter(rows.rule.isnull())
    group, *within = (trips[name] for name in POSITION)
    # By month, because a month is replaced as a whole: its trips may not depend on which other
    # months are in the same run.
    ranked = trips.mutate(
        rank=ibis.row_number().over(
            group_by=[trips.trip_id, trips.start.year(), trips.start.month()],
            order_by=[group, trips.source, *within],
        )
    )
    number = ibis.literal(NAMES.index(DUPLICATE), rows.rule.type())
    repeats = ranked.filter(ranked["rank"] > 0).mutate(rule=number)
    return ibis.union(_as_given(others), _as_given(repeats))


def demand(trips: ir.Table) -> ir.Table:
    """Trips by hour and area, with sums of fares and miles in whole hundredths."""
    return trips.group_by(*MONTH, hour=trips.start.truncate("h"), area=trips.pickup_area).agg(
        trips=trips.count().cast("int32"),
        fare_cents=_hundredths(trips.fare).sum().cast("int64"),
        fares=trips.fare.count(),
        hundredths=_hundredths(trips.miles).sum().cast("int64"),
        distances=trips.miles.count(),
    )


def _concatenated(tables: Sequence[ir.Table]) -> ir.Table:
    """The rows of tables in their order: with three tables, `ibis.union` puts the last one first.

    In halves, so that hundreds of tables nest a few levels deep.
    """
    if len(tables) == 1:
        return tables[0]
    half = len(tables) // 2
    return _concatenated(tables[:half]).union(_concatenated(tables[half:]))


def _as_given(rows: ir.Table) -> ir.Table:
    given = rows.raw.split(RAW_SEPARATOR)
    return rows.select(
        "source", "rule", **{name: given[place].nullif("") for place, name in enumerate(COLUMNS)}
    )


def _hundredths(value: ir.FloatingValue) -> ir.IntegerValue:
    return (value * 100.0 + 0.5).floor().cast("int64")
