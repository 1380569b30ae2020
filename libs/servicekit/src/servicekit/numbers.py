"""The one grammar of numbers in text cells, such as those of a CSV file.

Python's `float` also reads ``4_1`` as 41, full-width digits as digits, and ``nan``, and every
library has its own list of such spellings. A cell is a number here only in the form

    [sign] digits [. [digits]] [exponent]     or     [sign] . digits [exponent]

where digits are the ASCII digits 0 to 9, a sign is ``+`` or ``-``, and an exponent is ``e`` or
``E`` with an optional sign and digits. Spaces around it are ignored. Nothing else is a number: no
underscores, no separators of thousands, no decimal comma, no currency, no other scripts' digits, no
hexadecimal, no ``nan``, ``inf``, ``NA`` or ``null``, and no number too large for a 64-bit float.
"""

import math
import re
from typing import Final

__all__ = ["GRAMMAR", "NUMBER", "parse_number"]

NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
"""The grammar, without the spaces around a number. To be matched as a whole (`fullmatch`)."""

GRAMMAR: Final = "digits 0 to 9 with an optional sign, decimal point and exponent"
"""The grammar in words, for error messages."""


def parse_number(text: str) -> float | None:
    """The number that a cell holds; None where it holds something else, or nothing."""
    cell = text.strip(" ")
    if NUMBER.fullmatch(cell) is None:
        return None
    number = float(cell)
    return number if math.isfinite(number) else None
