"""The cleaning rules: names, predicates and reasons.

A trip that breaks a rule is dropped, and counted under the first rule that it breaks, in this
order. Predicates are Ibis expressions over the parsed columns (`chicagotaxi.etl.parse`), so that
every engine applies the same rules. A predicate that is null does not drop the trip: unknown values
break no rule, except a rule about unknown values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import ibis
import ibis.expr.types as ir

from chicagotaxi.city import AREAS, AREAS_SHOWN, CITY, CONSECUTIVE
from chicagotaxi.clock import repeated_hours, skipped_hours
from chicagotaxi.sources.columns import COLUMNS, MONEY
from chicagotaxi.sources.dialects import DIALECTS

FIRST_DAY: Final = datetime(CITY.records_begin, 1, 1)  # noqa: DTZ001 - wall clock
MAX_MILES: Final = 1_000
MAX_SECONDS: Final = 86_400

# Prefix of a column with the source's own value.
GIVEN: Final = "given_"
Predicate = Callable[[ir.Table, datetime], ir.BooleanValue]


@dataclass(frozen=True)
class Rule:
    """A reason to drop a trip.

    Attributes:
        name: Name in the status, the quarantine and the documentation.
        why: The reason, for people.
        broken: Predicate of the parsed columns and of the present hour in the city: whether a row
            breaks the rule.
    """

    name: str
    why: str
    broken: Predicate


def _unreadable(trips: ir.Table, name: str) -> ir.BooleanValue:
    """Whether a value is given but was not parsed. A float NaN counts as blank."""
    given = trips[GIVEN + name]
    if given.type().is_floating():
        # For a null, isnan is false on one engine and null on the other.
        return given.notnull() & trips[name].isnull() & ~given.isnan()
    if not given.type().is_string():
        return ibis.literal(value=False)
    return trips[name].isnull() & (given != "")


def _number_unreadable(trips: ir.Table, _now: datetime) -> ir.BooleanValue:
    numbers = [name for name in COLUMNS if trips[name].type().is_numeric()]
    return _any([_unreadable(trips, name) for name in numbers])


def _any(values: list[ir.BooleanValue]) -> ir.BooleanValue:
    return ibis.or_(*values)


def _is_area(number: ir.NumericValue) -> ir.BooleanValue:
    return number.between(AREAS[0], AREAS[-1]) if CONSECUTIVE else number.isin(AREAS)


def _starts_in(trips: ir.Table, hours: list[datetime]) -> ir.BooleanValue:
    """Whether a trip starts in one of the hours."""
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
        "the row is a header, as in joined files",
        lambda trips, _now: trips.trip_id.isin([one.key for one in DIALECTS]),
    ),
    Rule("no_trip_id", "the trip has no identifier", lambda trips, _now: trips.trip_id.isnull()),
    Rule(
        "start_unreadable",
        "the start is missing, or is not a time of this dialect",
        lambda trips, _now: trips.start.isnull(),
    ),
    Rule(
        "start_too_early",
        f"the start is before {CITY.records_begin}, when the records begin",
        lambda trips, _now: trips.start < FIRST_DAY,
    ),
    Rule(
        "start_in_future",
        f"the start is after the present hour in {CITY.name}",
        lambda trips, now: trips.start > now,
    ),
    Rule("start_in_skipped_hour", "the start is in an hour that the clock skips", _skipped),
    Rule(
        "end_unreadable",
        "the end is given, but is not a time of this dialect",
        lambda trips, _now: _unreadable(trips, "end"),
    ),
    Rule("ends_before_start", "the trip ends before it starts", _ends_before_start),
    Rule(
        "number_unreadable",
        "a value of seconds, miles, areas, tracts or amounts is given, but is not a number",
        _number_unreadable,
    ),
    Rule(
        "no_pickup_area",
        "the pickup area is missing",
        lambda trips, _now: trips.pickup_area.isnull(),
    ),
    Rule(
        "unknown_pickup_area",
        f"the pickup area is not one of {AREAS_SHOWN}",
        lambda trips, _now: (
            ~_is_area(trips.pickup_area) | (trips.pickup_area != trips.pickup_area.floor())
        ),
    ),
    Rule(
        "negative_amount",
        "fare, tips, tolls, extras or total are negative",
        lambda trips, _now: _any([trips[name] < 0 for name in MONEY]),
    ),
    Rule("negative_distance", "the miles are negative", lambda trips, _now: trips.miles < 0),
    Rule("negative_duration", "the seconds are negative", lambda trips, _now: trips.seconds < 0),
    Rule("too_far", f"more than {MAX_MILES} miles", lambda trips, _now: trips.miles > MAX_MILES),
    Rule("too_long", "longer than a day", lambda trips, _now: trips.seconds > MAX_SECONDS),
    Rule(
        "too_dear",
        f"a fare of more than {CITY.currency_sign}{CITY.max_fare}",
        lambda trips, _now: trips.fare > CITY.max_fare,
    ),
)

# The last rule needs the other rows: of the trips with one identifier in one month, one is kept.
REASONS: Final = {rule.name: rule.why for rule in RULES} | {
    DUPLICATE: "an earlier trip of the month has the same identifier"
}
NAMES: Final = tuple(REASONS)


def first_broken(trips: ir.Table, *, now: datetime) -> ir.IntegerValue:
    """The number in `NAMES` of the first rule that a row breaks; null if it breaks none."""
    return ibis.cases(*((rule.broken(trips, now), number) for number, rule in enumerate(RULES)))
