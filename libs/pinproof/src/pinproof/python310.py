"""What the standard library of Python 3.10 lacks."""

import sys
from enum import Enum

__all__ = ["StrEnum", "tomllib"]

if sys.version_info >= (3, 11):
    from enum import StrEnum

    import tomllib
else:
    import tomli as tomllib

    class StrEnum(str, Enum):
        """An enumeration of texts."""

        __str__ = str.__str__
