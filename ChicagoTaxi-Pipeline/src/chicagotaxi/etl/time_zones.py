"""Which times are already on the city's clock, and which are converted to it.

The portal publishes times on the city's clock without a zone. BigQuery's copy of the trips labels
these times UTC, in text and in Parquet. Its header, with ``unique_key``, or its form, ``UTC`` after
a blank, shows that the label is not a zone. A time with any other zone is an instant, which is
converted to the city's clock. So is a time in UTC in other files, but with a warning, because
programs also write UTC for times without a zone.

Every time with a zone is counted under a mark, in the summary and in the status of the run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import ibis
import ibis.expr.types as ir

from chicagotaxi.city import CITY
from chicagotaxi.sources.columns import TimeKind


@dataclass(frozen=True)
class Mark:
    """How a time with a zone was read.

    Attributes:
        name: Name in the status.
        bit: Bit in the marks of a row.
        why: How it was read, for people.
        doubt: What may be wrong, and the remedy; None if nothing may be.
    """

    name: str
    bit: int
    why: str
    doubt: str | None = None


_CLOCK_NAME: Final = f"{CITY.name}'s clock"

CONVERTED: Final = Mark("zone_converted", 1, f"times with a zone, converted to {_CLOCK_NAME}")
UTC_KEPT: Final = Mark(
    "utc_is_chicagos_clock", 2, f"times that BigQuery labels UTC, read as {_CLOCK_NAME}"
)
UTC_CONVERTED: Final = Mark(
    "utc_converted",
    4,
    f"times in UTC, converted to {_CLOCK_NAME}",
    f"If they are on {_CLOCK_NAME}, and a program added the label, write them without a zone.",
)
UTC_KEPT_IN_DOUBT: Final = Mark(
    "utc_in_doubt",
    8,
    f"times labelled ' UTC' as BigQuery writes it, but with another header; read as {_CLOCK_NAME}",
    "If they are UTC, write them with the offset +00:00.",
)
MARKS: Final = (CONVERTED, UTC_KEPT, UTC_CONVERTED, UTC_KEPT_IN_DOUBT)

# `\z` and not `$`, which also matches before a line end.
_CLOCK: Final = r"^\d{4}-\d\d-\d\d[ T](?:[01]\d|2[0-3]):\d\d:\d\d(?:\.0{1,9})?"
_ZONE: Final = r"( UTC| ?Z| ?[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)"
_NO_OFFSET: Final = ("Z", "+00:00", "+0000", "+00", "-00:00", "-0000", "-00")
_DIGITS: Final = len("2016-04-06T20:45:00")


@dataclass(frozen=True)
class ZonedTime:
    """A parsed time: the city's clock or null, and the bits of its marks."""

    clock: ir.TimestampValue
    marks: ir.IntegerValue


def stored_time(
    value: ir.TimestampValue,
    kind: TimeKind,
    *,
    bigquery: bool,
    to_local: Callable[[ir.TimestampValue], ir.TimestampValue],
) -> ZonedTime:
    """A time of a column of times."""
    # Engines store times with different precisions.
    time = value.cast("timestamp")
    if kind is TimeKind.CLOCK:
        return ZonedTime(time, ibis.literal(0))
    if kind is TimeKind.UTC and bigquery:
        return ZonedTime(time, _marked(time, UTC_KEPT))
    mark = UTC_CONVERTED if kind is TimeKind.UTC else CONVERTED
    return ZonedTime(to_local(time), _marked(time, mark))


def zone_text(value: ir.StringValue) -> ir.StringValue:
    """The zone of an ISO 8601 text: blank if it has no zone, null if it is not a time."""
    return ibis.cases(
        (value.re_search(_CLOCK + r"\z"), ""),
        else_=value.re_extract(_CLOCK + _ZONE + r"\z", 1).nullif(""),
    )


def iso_time(
    value: ir.StringValue,
    zone: ir.StringValue,
    *,
    bigquery: bool,
    to_local: Callable[[ir.TimestampValue], ir.TimestampValue],
) -> ZonedTime:
    """A time as ISO 8601 text."""
    digits = zone.isnull().ifelse(ibis.null("string"), value.substr(0, _DIGITS))
    clock = digits.replace("T", " ").try_cast("timestamp")
    bare = zone.strip()
    utc = bare.isin(_NO_OFFSET)
    kept, converted = (UTC_KEPT, UTC_KEPT) if bigquery else (UTC_KEPT_IN_DOUBT, UTC_CONVERTED)
    marks = ibis.cases(
        (clock.isnull() | (zone == ""), 0),
        (bare == "UTC", kept.bit),
        (utc, converted.bit),
        else_=CONVERTED.bit,
    )
    as_written = (zone == "") | (bare == "UTC") | (utc if bigquery else ibis.literal(value=False))
    instant = clock - _offset_seconds(bare).as_interval("s")
    return ZonedTime(as_written.ifelse(clock, to_local(instant)), marks)


def _marked(value: ir.TimestampValue, mark: Mark) -> ir.IntegerValue:
    return value.isnull().ifelse(0, mark.bit)


def _offset_seconds(zone: ir.StringValue) -> ir.IntegerValue:
    """The seconds that a zone such as ``-05:00``, ``+0530`` or ``Z`` is ahead of UTC."""
    digits = zone.replace(":", "").replace("Z", "+0000")
    hours = digits.substr(1, 2).try_cast("int32")
    minutes = digits.substr(3, 2).nullif("").fill_null("00").try_cast("int32")
    seconds = hours * 3600 + minutes * 60
    return digits.startswith("-").ifelse(-seconds, seconds)
