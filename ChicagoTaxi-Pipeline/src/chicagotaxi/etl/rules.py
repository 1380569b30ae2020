"""The cleaning rules: one table of names, predicates and reasons.

A trip that breaks a rule is dropped, and counted under the first that it breaks, in this order.
Predicates are Ibis expressions over the parsed columns (`chicagotaxi.etl.parse`), so every engine
applies the same ones. A predicate that is null counts as kept: what is unknown breaks no rule,
unless the rule is about that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import ibis
import ibis.expr.types as ir

from chicagotaxi.clock import repeated_hours, skipped_hours
from chicagotaxi.schema import AREAS
from chicagotaxi.sources.columns import COLUMNS
from chicagotaxi.sources.dialects import DIALECTS

# The portal's data begin here.
FIRST_DAY: Final = datetime(2013, 1, 1)  # noqa: DTZ001 - wall clock
MAX_MILES: Final = 1_000
MAX_SECONDS: Final = 86_400
MAX_FARE: Final = 9_000

# Before the name of a column: what the source has there.
GIVEN: Final = "given_"
Predicate = Callable[[ir.Table, datetime], ir.BooleanValue]


@dataclass(frozen=True)
class Rule:
    """What drops a trip.

    Attributes:
        name: As in the status, the quarantine and the documentation.
        why: The reason, for people.
        broken: Whether a row of parsed columns breaks it, given the present hour in Chicago.
    """

    name: str
    why: str
    broken: Predicate


def _unreadable(trips: ir.Table, name: str) -> ir.BooleanValue:
    """What is given, and could not be parsed. A float that is not a number is a blank one."""
    given = trips[GIVEN + name]
    if given.type().is_floating():
        # Of a null, one engine says that it is not NaN, and the other that it does not know.
        return given.notnull() & trips[name].isnull() & ~given.isnan()
    if not given.type().is_string():
        return ibis.literal(value=False)
    return trips[name].isnull() & (given != "")


def _number_unreadable(trips: ir.Table, _now: datetime) -> ir.BooleanValue:
    numbers = [name for name in COLUMNS if trips[name].type().is_numeric()]
    return _any([_unreadable(trips, name) for name in numbers])


def _money(trips: ir.Table) -> list[ir.FloatingColumn]:
    return [trips[name] for name in ("fare", "tips", "tolls", "extras", "total")]


def _any(values: list[ir.BooleanValue]) -> ir.BooleanValue:
    return ibis.or_(*values)


def _starts_in(trips: ir.Table, hours: list[datetime]) -> ir.BooleanValue:
    """Whether a trip starts in one of some hours, of which there are few a day."""
    start = trips.start
    by_hour: dict[int, list[date]] = {}
    for hour in hours:
        by_hour.setdefault(hour.hour, []).append(hour.date())
    return _any(
        [(start.hour() == hour) & start.date().isin(days) for hour, days in by_hour.items()]
    )


def _skipped(trips: ir.Table, now: datetime) -> ir.BooleanValue:
    return _starts_in(trips, skipped_hours(FIRST_DAY.year, now.year))


def _ends_before_start(trips: ir.Table, now: datetime) -> ir.BooleanValue:
    """An end before the start, except in an hour that the clock repeats."""
    repeated = _starts_in(trips, repeated_hours(FIRST_DAY.year, now.year))
    return (trips.end < trips.start) & ~repeated


DUPLICATE: Final = "duplicate_trip_id"
HEADER: Final = "header_among_rows"

RULES: Final = (
    Rule(
        HEADER,
        "the row is a header again, as where files were put together",
        lambda trips, _now: trips.trip_id.isin([one.key for one in DIALECTS]),
    ),
    Rule("no_trip_id", "the trip has no identifier", lambda trips, _now: trips.trip_id.isnull()),
    Rule(
        "start_unreadable",
        "there is no start, or it is no time of this dialect",
        lambda trips, _now: trips.start.isnull(),
    ),
    Rule(
        "start_too_early",
        "the start is before 2013, when the records begin",
        lambda trips, _now: trips.start < FIRST_DAY,
    ),
    Rule(
        "start_in_future",
        "the start is after the present hour in Chicago",
        lambda trips, now: trips.start > now,
    ),
    Rule(
        "start_in_skipped_hour",
        "the start is in the hour that the clock skips in March",
        _skipped,
    ),
    Rule(
        "end_unreadable",
        "the end is given, but is no time of this dialect",
        lambda trips, _now: _unreadable(trips, "end"),
    ),
    Rule("ends_before_start", "the trip ends before it starts", _ends_before_start),
    Rule(
        "number_unreadable",
        "one of seconds, miles, areas, tracts and amounts is given, but is no number",
        _number_unreadable,
    ),
    Rule(
        "no_pickup_area",
        "where the trip began is not known",
        lambda trips, _now: trips.pickup_area.isnull(),
    ),
    Rule(
        "unknown_pickup_area",
        f"the pickup area is none of 1 to {AREAS}",
        lambda trips, _now: (
            ~trips.pickup_area.between(1, AREAS) | (trips.pickup_area != trips.pickup_area.floor())
        ),
    ),
    Rule(
        "negative_amount",
        "fare, tips, tolls, extras or total are less than nothing",
        lambda trips, _now: _any([amount < 0 for amount in _money(trips)]),
    ),
    Rule("negative_distance", "the miles are negative", lambda trips, _now: trips.miles < 0),
    Rule("negative_duration", "the seconds are negative", lambda trips, _now: trips.seconds < 0),
    Rule("too_far", f"over {MAX_MILES} miles", lambda trips, _now: trips.miles > MAX_MILES),
    Rule("too_long", "over a day", lambda trips, _now: trips.seconds > MAX_SECONDS),
    Rule("too_dear", f"a fare over ${MAX_FARE}", lambda trips, _now: trips.fare > MAX_FARE),
)

# The last rule needs the other rows: of the trips with one identifier in one month, one is kept.
REASONS: Final = {rule.name: rule.why for rule in RULES} | {
    DUPLICATE: "an earlier trip of the month has the same identifier"
}
NAMES: Final = tuple(REASONS)


def first_broken(trips: ir.Table, *, now: datetime) -> ir.IntegerValue:
    """The number in `NAMES` of the first rule that a row breaks, null where it breaks none."""
    return ibis.cases(*((rule.broken(trips, now), number) for number, rule in enumerate(RULES)))
