"""Parses the columns of a source into those of the pipeline, with Ibis expressions.

Both engines run the same expressions. Only the functions that read a time or a number from text
differ (`EngineFunctions`). The form of the text is checked here first, so that no engine reads what
the other refuses.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import ibis
import ibis.expr.types as ir

from chicagotaxi.city import CITY
from chicagotaxi.etl.engines.protocol import POSITION, SOURCE, EngineFunctions
from chicagotaxi.etl.numbers import rare_amount
from chicagotaxi.etl.rules import GIVEN, first_broken
from chicagotaxi.etl.time_zones import ZonedTime, iso_time, stored_time, zone_text
from chicagotaxi.sources.columns import COLUMNS, MONEY, NUMBERS, TEXTS, TIMES, WHOLE, TimeKind
from chicagotaxi.sources.dialects import Dialect

# Separator of the source's texts of a dropped row.
RAW_SEPARATOR: Final = "\x1f"

# Types that text is read as. Amounts and miles are rounded to hundredths. The others must be whole,
# which can only be checked with more digits.
_HUNDREDTHS: Final = "decimal(18, 2)"
_EXACT: Final = "decimal(18, 4)"
# Prefixes of columns: the zone of a time, and the text of a number.
_ZONE: Final = "zone_"
_TEXT: Final = "text_"


def classify(
    raw: ir.Table,
    dialect: Dialect,
    kinds: Mapping[str, TimeKind],
    functions: EngineFunctions,
    *,
    now: datetime,
) -> ir.Table:
    """Parse the rows of one dialect and name the first rule that each breaks.

    Args:
        raw: The source's columns under the pipeline's names, `SOURCE` and `POSITION`. Optional
            columns may be absent.
        dialect: The dialect of the source.
        kinds: How the source stores each column of times.
        functions: Functions of the engine that will run the expressions.
        now: The present hour in the city.

    Returns:
        The columns of a clean trip; ``source``, the path of the row's file; ``rule``, the number of
        the first rule that the row breaks, or null; ``marks``, the bits of
        `chicagotaxi.etl.time_zones.MARKS`; ``raw``, the source's texts joined by `RAW_SEPARATOR`;
        and `POSITION`.
    """
    given = {name: _given(raw, name) for name in COLUMNS}
    zoned = [name for name in TIMES if kinds[name] is TimeKind.TEXT and dialect.times == "iso"]
    # In layers, so that each value is computed once, and the values for dropped rows only for them.
    shaped = raw.select(
        *POSITION,
        SOURCE,
        **{GIVEN + name: value for name, value in given.items()},
        **{_ZONE + name: zone_text(given[name]) for name in zoned},
        **{_TEXT + name: _digits(given[name]) for name in MONEY if given[name].type().is_string()},
    )
    given = {name: shaped[GIVEN + name] for name in COLUMNS}
    checked = shaped.mutate(
        **{
            _TEXT + name: functions.number_text(shaped[_TEXT + name] if name in MONEY else value)
            for name, value in given.items()
            if name in NUMBERS and value.type().is_string()
        }
    )
    given = {name: checked[GIVEN + name] for name in COLUMNS}
    times = [_time(checked, name, kinds[name], dialect, functions) for name in TIMES]
    parsed = checked.select(
        *POSITION,
        source=checked[SOURCE],
        marks=_marks(times),
        **{name: _text(given[name]) for name in TEXTS},
        **{name: time.clock for name, time in zip(TIMES, times, strict=True)},
        **{name: _number(checked, name, functions) for name in NUMBERS},
        **{GIVEN + name: value for name, value in given.items()},
    )
    ruled = parsed.mutate(rule=first_broken(parsed, now=now))
    return ruled.select(
        *POSITION, "source", "rule", "marks", **_stored(ruled), raw=_joined(ruled, kinds)
    )


def _stored(trips: ir.Table) -> Mapping[str, ir.Value]:
    """Columns and types of a clean trip. Columns of whole numbers have integer types."""
    return {
        "trip_id": trips.trip_id,
        "taxi_id": trips.taxi_id,
        "start": trips.start,
        "end": trips.end,
        "seconds": _whole(trips.seconds, "int32"),
        "miles": _rounded(trips.miles),
        "pickup_tract": _whole(trips.pickup_tract, "int64"),
        "dropoff_tract": _whole(trips.dropoff_tract, "int64"),
        "pickup_area": _whole(trips.pickup_area, "int16"),
        "dropoff_area": _whole(trips.dropoff_area, "int16"),
        **{name: _rounded(trips[name]) for name in MONEY},
        "payment_type": trips.payment_type,
        "company": trips.company,
    }


def _given(raw: ir.Table, name: str) -> ir.Value:
    """The source's column; null if it has no such column, or a column of type null."""
    if name not in raw.columns or raw[name].type().is_null():
        return ibis.null("string")
    return raw[name]


def _text(value: ir.Value) -> ir.StringValue:
    text = value if value.type().is_string() else value.cast("string")
    return text.nullif("")


def _time(
    rows: ir.Table, name: str, kind: TimeKind, dialect: Dialect, functions: EngineFunctions
) -> ZonedTime:
    value = rows[GIVEN + name]
    bigquery = dialect.name == "bigquery"
    if kind is not TimeKind.TEXT:
        return stored_time(value, kind, bigquery=bigquery, to_local=functions.to_local)
    if dialect.times == "american":
        return ZonedTime(functions.american_time(value), ibis.literal(0))
    zone = rows[_ZONE + name]
    return iso_time(value, zone, bigquery=bigquery, to_local=functions.to_local)


def _marks(times: Sequence[ZonedTime]) -> ir.IntegerValue:
    start, end = (time.marks for time in times)
    return (start | end).cast("int32")


def _digits(amount: ir.StringValue) -> ir.StringValue:
    """An amount without a leading dollar sign. One such as ``-$5`` stays as it is."""
    # Texts that begin with "$" sort between it and the next character; comparing is faster.
    return ((amount >= "$") & (amount < "%")).ifelse(amount.substr(1), amount)


def _number(rows: ir.Table, name: str, functions: EngineFunctions) -> ir.NumericValue:
    value = rows[GIVEN + name]
    if value.type().is_numeric():
        number = _in_miles(name, value.cast("float64"))
        return (number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number)
    # As a decimal, which every engine reads alike and which, unlike a float, is never infinite.
    kind = _EXACT if name in WHOLE else _HUNDREDTHS
    found = functions.decimal(rows[_TEXT + name], kind)
    if name not in MONEY:
        return _in_miles(name, found)
    return ibis.coalesce(found, rare_amount(value).try_cast(kind))


def _in_miles(name: str, number: ir.NumericValue) -> ir.NumericValue:
    if name != "miles" or CITY.distance == "miles":
        return number
    return number.cast("float64") * CITY.miles_per_unit


def _joined(trips: ir.Table, kinds: Mapping[str, TimeKind]) -> ir.StringValue:
    given = [_shown(trips[GIVEN + name], kinds.get(name)) for name in COLUMNS]
    return ibis.literal(RAW_SEPARATOR).join([one.fill_null("") for one in given])


def _shown(value: ir.Value, kind: TimeKind | None) -> ir.StringValue:
    """A source's value as text; of values that are not text, the engine's form.

    A fraction of zero is left out. An instant is shown in UTC.
    """
    if value.type().is_timestamp():
        text = value.cast("string")
        return text + "+00:00" if kind in {TimeKind.INSTANT, TimeKind.UTC} else text
    if value.type().is_floating():
        whole = value == value.floor()
        return whole.ifelse(value.try_cast("int64").cast("string"), value.cast("string"))
    return value.cast("string")


def _rounded(value: ir.NumericValue) -> ir.FloatingValue:
    if value.type().is_decimal():
        return value.cast("float64")
    return (value * 100.0 + 0.5).floor().cast("float64") / 100.0


def _whole(value: ir.NumericValue, kind: str) -> ir.IntegerValue:
    return value.floor().try_cast(kind)
