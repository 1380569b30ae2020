"""Numbers in text: one grammar for every engine, and for people.

It is that of `servicekit.numbers`, with tabs and line ends around a number ignored as spaces are:
DuckDB ignores them, and to forbid it costs more than to read the number. Amounts may have a dollar
sign before the number, and with it commas between groups of three digits, as the portal writes
``$1,234.50``. Engines read more than that, each in its own way: what one would take beyond the
grammar is kept from it.
"""

import re
from typing import Final

import ibis
import ibis.expr.types as ir
from servicekit.numbers import GRAMMAR, NUMBER, parse_number

__all__ = [
    "AMOUNT_GRAMMAR",
    "GRAMMAR",
    "LONG_POWER",
    "follows_grammar",
    "is_amount",
    "is_number",
    "rare_amount",
]

LONG_POWER: Final = r"([eE][+-]?)0*(\d{3})\d*"
"""A power of ten with three digits or more; its first group and the first three digits of it are as
good for any number that an engine can hold."""

AMOUNT_GRAMMAR: Final = f"{GRAMMAR}, or an amount such as $1,234.50"

# Amounts that are not a number after one dollar sign at the beginning.
_RARE_AMOUNT: Final = re.compile(
    r"(?:[+-]?\$|\$[+-])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?", re.ASCII
)
_BLANKS: Final = " \t\n\v\f\r"
_AROUND: Final = r"[ \t-\r]*"
_ENGINES_NUMBER: Final = rf"^{_AROUND}{NUMBER.pattern}{_AROUND}\z"


def follows_grammar(text: ir.StringValue) -> ir.BooleanValue:
    """Whether a text is a number by the grammar, as an expression."""
    return text.re_search(_ENGINES_NUMBER)


def rare_amount(text: ir.StringValue) -> ir.StringValue:
    """The digits of an amount that is not a number after a dollar sign; null for any other text."""
    digits = text.replace("$", "").replace(",", "")
    return text.re_search(rf"^{_AROUND}{_RARE_AMOUNT.pattern}{_AROUND}\z").ifelse(
        digits, ibis.null("string")
    )


def is_number(cell: str) -> bool:
    """Whether a cell is a number."""
    return parse_number(cell.strip(_BLANKS)) is not None


def is_amount(cell: str) -> bool:
    """Whether a cell is an amount."""
    number = cell.removeprefix("$")
    return is_number(number) or _RARE_AMOUNT.fullmatch(cell.strip(_BLANKS)) is not None
