"""DuckDB's functions for times, numbers and hashes in the pipeline's expressions."""

from typing import Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from chicagotaxi.clock import ZONE
from chicagotaxi.etl.engines.protocol import EngineFunctions
from chicagotaxi.etl.numbers import LONG_POWER

_TWO: Final = "[0-9][0-9]"
_AMERICAN: Final = f"{_TWO}/{_TWO}/{_TWO}{_TWO} {_TWO}:{_TWO}:{_TWO} [AP]M"


@ibis.udf.scalar.builtin
def try_strptime(_text: dt.string, _pattern: dt.string) -> dt.timestamp:
    """DuckDB's function: the time, or null."""


@ibis.udf.scalar.builtin(name="~~~")
def glob_matches(_text: dt.string, _pattern: dt.string) -> dt.boolean:
    """DuckDB's operator ``GLOB``, which is faster than a regular expression."""


@ibis.udf.scalar.builtin
def timezone(_zone: dt.string, _time: dt.timestamp) -> dt.timestamp:
    """DuckDB's function: from a clock to an instant, and from an instant to a clock."""


@ibis.udf.scalar.builtin(name="hash")
def duckdb_hash(_text: dt.string) -> dt.uint64:
    """DuckDB's hash function of 64 bits."""


def _american_time(text: ir.StringValue) -> ir.TimestampValue:
    # DuckDB itself would also accept a blank for the first digit, and "pM".
    shaped = glob_matches(text, _AMERICAN).ifelse(text, ibis.null("string"))
    return try_strptime(shaped, "%m/%d/%Y %I:%M:%S %p")


def _number_text(text: ir.StringValue) -> ir.StringValue:
    """The text of a number for DuckDB, which also reads ``1_000`` (SQL:2023).

    It reads nothing else that the grammar does not have. To look for one character is quick; to
    match each text with a pattern would take as long as to read it.
    """
    return text.contains("_").ifelse(ibis.null("string"), text)


def _decimal(text: ir.StringValue, kind: str) -> ir.DecimalValue:
    """A decimal. DuckDB does not read exponents of many digits, which are shortened."""
    short = text.re_replace(LONG_POWER, r"\1\2")
    return ibis.coalesce(text.try_cast(kind), short.try_cast(kind))


FUNCTIONS: Final = EngineFunctions(
    american_time=_american_time,
    to_local=lambda time: timezone(ZONE.key, timezone("UTC", time)),
    number_text=_number_text,
    decimal=_decimal,
    fingerprint=duckdb_hash,
)
