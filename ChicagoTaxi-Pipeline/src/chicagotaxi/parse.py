"""From the columns of a source to those of the pipeline: one set of Ibis expressions.

Both engines run these expressions. What differs between them is where text may fail to be a time:
each engine has its own function for that, and `EngineFunctions` names it; the form of the text is
checked here first, so that neither reads what the other refuses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from servicekit.files import DataError

from chicagotaxi.dialects import COLUMNS, Dialect
from chicagotaxi.rules import GIVEN, first_broken

__all__ = ["POSITION", "RAW_SEPARATOR", "SOURCE", "EngineFunctions", "check_types", "classify"]

# Where an engine puts the path of a row's file. A table may well have a column `source` itself.
SOURCE: Final = "__source__"
# Where it puts where a row stands: whole numbers, by which rows are in the order of the input, the
# first of them before the path of the file, the others within it.
POSITION: Final = ("__group__", "__block__", "__row__")
# Between the source's texts of a dropped row, on their way to the quarantine.
RAW_SEPARATOR: Final = "\x1f"

TEXTS: Final = ("trip_id", "taxi_id", "payment_type", "company")
MONEY: Final = ("fare", "tips", "tolls", "extras", "total")
WHOLE: Final = (
    "seconds",
    "pickup_area",
    "dropoff_area",
    "pickup_tract",
    "dropoff_tract",
)
TIMES: Final = ("start", "end")
# What text is read as: amounts and miles are kept in hundredths, and rounded to them here; of the
# others, which are whole, it must be seen when they are not.
_HUNDREDTHS: Final = "decimal(18, 2)"
_EXACT: Final = "decimal(18, 4)"
_ISO: Final = (
    r"^\d{4}-\d\d-\d\d[ T]([01]\d|2[0-3]):\d\d:\d\d"
    r"(Z| UTC|\.000|\.000Z|\.000 UTC|\.000000|\+00:00|\+00)?\z"
)


@dataclass(frozen=True)
class EngineFunctions:
    """What an engine does in its own way.

    Attributes:
        american_time: Text such as ``04/06/2016 08:45:00 PM`` to a time, or to null where there is
            no such day.
        digits: A number's text to what the engine can read: ``1_000``, as SQL:2023 writes a
            thousand, is none to all of them.
        fingerprint: A text to a number that hardly any other text has.
    """

    american_time: Callable[[ir.StringValue], ir.TimestampValue]
    digits: Callable[[ir.StringValue], ir.StringValue]
    fingerprint: Callable[[ir.StringValue], ir.IntegerValue]


def classify(
    raw: ir.Table, dialect: Dialect, functions: EngineFunctions, *, now: datetime
) -> ir.Table:
    """Parse the rows of one dialect and name the first rule that each breaks.

    Args:
        raw: The source's columns, `SOURCE`: the file that a row is from, and `POSITION`.
        dialect: Theirs.
        functions: Of the engine that will run it.
        now: The present hour in Chicago.

    Returns:
        The columns of a clean trip, ``source``, ``rule``: null or the number of the first rule
        broken, ``raw``: what the source had, joined by `RAW_SEPARATOR`, and `POSITION`.
    """
    given = {name: raw[source] for name, source in dialect.columns.items()}
    # In layers, so that each value is computed once and what only dropped rows need for them only.
    parsed = raw.select(
        *POSITION,
        source=raw[SOURCE],
        **{name: _text(given[name]) for name in TEXTS},
        **{name: _time(given[name], dialect, functions) for name in TIMES},
        miles=_number(given["miles"], _HUNDREDTHS, functions),
        **{name: _number(given[name], _EXACT, functions) for name in WHOLE},
        **{name: _amount(given[name], functions) for name in MONEY},
        **{GIVEN + name: value for name, value in given.items()},
    )
    ruled = parsed.mutate(rule=first_broken(parsed, now=now))
    return ruled.select(*POSITION, "source", "rule", **_stored(ruled), raw=_joined(ruled))


def check_types(types: Mapping[str, pa.DataType], dialect: Dialect, *, path: str) -> None:
    """Whether columns have types that can be parsed, which text always can.

    Args:
        types: Of a Parquet file's columns.
        dialect: Theirs.
        path: Of the file, for messages.

    Raises:
        DataError: One has another.
    """
    for name, source in dialect.columns.items():
        found = types[source]
        if pa.types.is_dictionary(found):
            found = found.value_type
        text = pa.types.is_string(found) or pa.types.is_large_string(found)
        if pa.types.is_null(found) and name not in TIMES:
            continue
        if name in TIMES:
            allowed, fits = "text or timestamp", pa.types.is_timestamp(found)
        elif name in TEXTS:
            allowed, fits = "text or a whole number", pa.types.is_integer(found)
        else:
            allowed = "text, a number or decimal"
            fits = any(
                is_one(found)
                for is_one in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
            )
        if not (text or fits):
            raise DataError(
                f"{path}: the column {source!r} has the type {types[source]}. Write it as "
                f"{allowed}."
            )


def _stored(trips: ir.Table) -> Mapping[str, ir.Value]:
    """A clean trip's columns and types. What holds whole numbers only is held as such."""
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


def _text(value: ir.Value) -> ir.StringValue:
    text = value if value.type().is_string() else value.cast("string")
    return text.nullif("")


def _time(value: ir.Value, dialect: Dialect, functions: EngineFunctions) -> ir.TimestampValue:
    if value.type().is_timestamp():
        return _naive(value)
    if dialect.times == "american":
        # Zeros where they belong: one engine would take "4/6/2016 8:45:00 PM" and one would not.
        shaped = value.re_search(r"^\d\d/\d\d/\d{4} \d\d:\d\d:\d\d [AP]M$")
        return functions.american_time(shaped.ifelse(value, ibis.null("string")))
    seconds = value.substr(0, 19).replace("T", " ")
    return value.re_search(_ISO).ifelse(seconds, ibis.null("string")).try_cast("timestamp")


def _naive(value: ir.TimestampValue) -> ir.TimestampValue:
    if value.type().timezone is None:
        return value.cast("timestamp")
    # Counted from an epoch, so that no engine moves it into a zone of its own, or keeps one.
    return ibis.timestamp("1970-01-01 00:00:00") + value.epoch_seconds().as_interval("s")


def _number(value: ir.Value, kind: str, functions: EngineFunctions) -> ir.NumericValue:
    if value.type().is_numeric():
        number = value.cast("float64")
        return number.isnan().ifelse(ibis.null("float64"), number)
    # To a decimal: unlike a float, it is read alike by every engine, and is never infinite.
    return functions.digits(value).try_cast(kind)


def _amount(value: ir.Value, functions: EngineFunctions) -> ir.NumericValue:
    if value.type().is_numeric():
        return _number(value, _HUNDREDTHS, functions)
    dollars = value.startswith("$").ifelse(value.substr(1), value)
    rare = value.replace("$", "").replace(",", "")
    return ibis.coalesce(*(_number(text, _HUNDREDTHS, functions) for text in (dollars, rare)))


def _joined(trips: ir.Table) -> ir.StringValue:
    given = [_shown(trips[GIVEN + name]) for name in COLUMNS]
    return ibis.literal(RAW_SEPARATOR).join([one.fill_null("") for one in given])


def _shown(value: ir.Value) -> ir.StringValue:
    """A source's value as text. Text is as it stands; of the rest, engines have forms of their own.

    A zone is left out, which is never meant, and so is a fraction of nothing.
    """
    if value.type().is_timestamp():
        return _naive(value).cast("string")
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
