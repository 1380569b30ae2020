"""One grammar of numbers in text for all engines and messages.

It is the grammar of `servicekit.numbers` with two additions that DuckDB reads, because to refuse
them would cost as much as to read the number: tabs and line ends around a number are ignored as
spaces are, and a point may follow the exponent (``3e5.``). Amounts may have a dollar sign before
the number, and with it commas between groups of three digits, as in the portal's ``$1,234.50``.
Texts that an engine would read beyond that are removed before the engine reads them.
"""

import re
from typing import Final

import ibis
import ibis.expr.types as ir
from servicekit.numbers import GRAMMAR, NUMBER

LONG_POWER: Final = r"([eE][+-]?)0*(\d{3})\d*"
"""An exponent of three digits or more. With its first three digits only, the result is the same in
every type of the engines."""

AMOUNT_GRAMMAR: Final = f"{GRAMMAR}, or an amount such as $1,234.50"

_BLANKS: Final = r"[ \t-\r]*"
_POWER: Final = NUMBER.pattern.removesuffix("?")
_NUMBER: Final = re.compile(rf"{_BLANKS}(?:{NUMBER.pattern}|{_POWER}\.){_BLANKS}", re.ASCII)
# Amounts that are more than a number after one dollar sign.
_RARE_AMOUNT: Final = re.compile(
    rf"{_BLANKS}(?:[+-]?\$|\$[+-])(?:[0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]+)(?:\.[0-9]*)?{_BLANKS}",
    re.ASCII,
)


def follows_grammar(text: ir.StringValue) -> ir.BooleanValue:
    """Whether a text follows the grammar, as an expression."""
    return text.re_search(rf"^{_NUMBER.pattern}\z")


def rare_amount(text: ir.StringValue) -> ir.StringValue:
    """The digits of an amount that is more than a number after a dollar sign; otherwise null."""
    digits = text.replace("$", "").replace(",", "")
    return text.re_search(rf"^{_RARE_AMOUNT.pattern}\z").ifelse(digits, ibis.null("string"))


def is_number(cell: str) -> bool:
    """Whether a cell is a number."""
    return _NUMBER.fullmatch(cell) is not None


def is_amount(cell: str) -> bool:
    """Whether a cell is an amount."""
    return is_number(cell.removeprefix("$")) or _RARE_AMOUNT.fullmatch(cell) is not None
