"""What the pipeline computes of classified trips: Ibis expressions for any engine.

A row is *placed* by two numbers. A kept trip's are the year and month of its start. A dropped
row's are 0 and the number of the rule that it broke; a trip whose identifier occurs again is put
under the number of that rule until one of its kind is chosen.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import ibis
import ibis.expr.types as ir

from chicagotaxi.data import SourceGroup
from chicagotaxi.dialects import COLUMNS
from chicagotaxi.parse import RAW_SEPARATOR, SOURCE, EngineFunctions, classify, identifier
from chicagotaxi.rules import DUPLICATE, NAMES

__all__ = [
    "PLACE",
    "REPEATED",
    "chosen",
    "classified",
    "counted",
    "demand",
    "files",
    "fingerprints",
    "placed",
    "quarantined",
    "repeated",
    "tallied",
]

PLACE: Final = ("year", "month")
REPEATED: Final = NAMES.index(DUPLICATE)

Inputs = Sequence[tuple[SourceGroup, ir.Table]]


def fingerprints(inputs: Inputs, functions: EngineFunctions) -> ir.Table:
    """The fingerprint of every row's identifier, and of the path of its file."""
    found = [
        raw.select(
            file=functions.fingerprint(raw[SOURCE]),
            fingerprint=functions.fingerprint(identifier(raw, group.dialect)),
        )
        for group, raw in inputs
    ]
    return ibis.union(*found)


def files(paths: Sequence[str], functions: EngineFunctions) -> ir.Table:
    """The fingerprint of every path."""
    source = ibis.array(list(paths)).unnest().name("source").as_table()
    return source.mutate(file=functions.fingerprint(source.source))


def counted(prints: ir.Table, *by: str) -> ir.Table:
    """How many rows there are of each value of columns, as `fingerprints` gives them."""
    return prints.group_by(*by).agg(rows=lambda t: t.count())


def repeated(counts: ir.Table) -> ir.Table:
    """The fingerprints that occur more than once, in whichever files."""
    totals = counts.group_by("fingerprint").agg(rows=counts.rows.sum())
    return totals.filter(totals.rows > 1, totals.fingerprint.notnull()).select("fingerprint")


def tallied(counts: ir.Table) -> ir.Table:
    """How many rows there are, and a list of the fingerprints that occur more than once."""
    return counts.agg(
        rows=counts.rows.sum(), again=counts.fingerprint.collect(where=counts.rows > 1)
    )


def classified(inputs: Inputs, functions: EngineFunctions, *, now: datetime) -> ir.Table:
    """The rows of all inputs, parsed, each with the first rule that it breaks."""
    return ibis.union(*(classify(raw, group.dialect, functions, now=now) for group, raw in inputs))


def placed(rows: ir.Table, again: ir.Table | None, functions: EngineFunctions) -> ir.Table:
    """Give every row its place.

    Args:
        rows: As `classified` gives them.
        again: As `repeated` gives it; None where no identifier occurs again.
        functions: Of the engine.
    """
    if again is None:
        marked = rows.mutate(place=rows.rule)
    else:
        other = again.select(again_fingerprint=again.fingerprint)
        joined = rows.left_join(
            other, functions.fingerprint(rows.trip_id) == other.again_fingerprint
        )
        found = joined.again_fingerprint.notnull().ifelse(REPEATED, ibis.null("int8"))
        marked = joined.mutate(place=ibis.coalesce(joined.rule, found)).drop("again_fingerprint")
    kept = marked.place.isnull()
    return marked.mutate(
        year=kept.ifelse(marked.start.year(), 0).cast("int32"),
        month=kept.ifelse(marked.start.month(), marked.place).cast("int32"),
    ).drop("place")


def chosen(trips: ir.Table) -> ir.Table:
    """Rank trips of one identifier and month by all that they hold, ``rank`` 0 first.

    Per month, because a month is what is replaced: what one gives must not depend on which others
    are in the same run.
    """
    # Of trips that are the same, the file decides which one the quarantine has.
    names = [name for name in (*COLUMNS, "source", "raw") if name in trips.columns]
    order = [trips[name].asc(nulls_first=True) for name in names if name != "trip_id"]
    groups = [trips.trip_id, trips.start.year(), trips.start.month()]
    return trips.mutate(rank=ibis.row_number().over(group_by=groups, order_by=order))


def demand(trips: ir.Table) -> ir.Table:
    """Trips by hour and area, with sums of fares and miles as whole hundredths."""
    return trips.group_by(
        *PLACE,
        hour=trips.start.truncate("h"),
        area=trips.pickup_area,
    ).agg(
        trips=trips.count().cast("int32"),
        fare_cents=_hundredths(trips.fare).sum(),
        fares=trips.fare.count(),
        hundredths=_hundredths(trips.miles).sum(),
        distances=trips.miles.count(),
    )


def quarantined(rows: ir.Table) -> ir.Table:
    """Dropped rows as the source has them, with their file and the number of the rule."""
    given = rows.raw.split(RAW_SEPARATOR)
    return rows.select(
        "source", "rule", **{name: given[place].nullif("") for place, name in enumerate(COLUMNS)}
    )


def _hundredths(value: ir.FloatingValue) -> ir.IntegerValue:
    return (value * 100.0 + 0.5).floor().cast("int64")
