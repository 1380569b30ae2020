"""The grammar of numbers in text cells, such as those of a CSV file.

Python's `float` also reads ``4_1`` as 41, full-width digits as digits, and ``nan``, and other
libraries accept other spellings. Here a cell is a number only in the form

    [sign] digits [. [digits]] [exponent]     or     [sign] . digits [exponent]

where digits are the ASCII digits 0 to 9, a sign is ``+`` or ``-``, and an exponent is ``e`` or
``E`` with an optional sign and digits. Spaces around it are ignored. These are not numbers:
underscores, separators of thousands, decimal commas, currencies, digits of other scripts,
hexadecimal, ``nan``, ``inf``, ``NA``, ``null``, and numbers too large for a 64-bit float.
"""

import math
import re
from typing import Final

NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
"""The grammar without surrounding spaces, for `fullmatch`."""

GRAMMAR: Final = "digits 0 to 9 with an optional sign, decimal point and exponent"
"""The grammar in words, for error messages."""


def parse_number(text: str) -> float | None:
    """The number in a cell; None if the cell is empty or not a number."""
    cell = text.strip(" ")
    if NUMBER.fullmatch(cell) is None:
        return None
    number = float(cell)
    return number if math.isfinite(number) else None
