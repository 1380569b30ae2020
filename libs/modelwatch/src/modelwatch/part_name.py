"""The names of the parts of a log: ``TABLE/day=YYYY-MM-DD/FILE.parquet``."""

import re
from typing import Final, NamedTuple

__all__ = ["PartName", "parse_part_name"]

_PART: Final = re.compile(r"([a-z]+)/day=(\d{4}-\d{2}-\d{2})/([^/]+\.parquet)")


class PartName(NamedTuple):
    """The name of a part.

    Attributes:
        table: Its table, such as ``predictions``.
        day: Its day in ISO form.
        file: The name of its file.
    """

    table: str
    day: str
    file: str

    def __str__(self) -> str:
        """The name, a relative path."""
        return f"{self.table}/day={self.day}/{self.file}"


def parse_part_name(name: str) -> PartName | None:
    """Read the name of a part; None if the file is no part."""
    found = _PART.fullmatch(name)
    return PartName(*found.groups()) if found else None
