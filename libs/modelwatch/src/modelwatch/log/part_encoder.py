"""Turns answers into the parts of a prediction log."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from modelwatch.log.records import Record, day_of, encode, valid_record
from modelwatch.part_name import PartName
from modelwatch.schema import PREDICTIONS, LogSchema

__all__ = ["Part", "PartEncoder"]


class Part(NamedTuple):
    """A file of a log: its name, its number of rows, and its contents."""

    name: str
    rows: int
    contents: bytes


class PartEncoder:
    """Makes the parts of one process, whose names no other process has.

    Args:
        schema: What is logged.
        folder: Folder of the parts in the log.
    """

    def __init__(self, schema: LogSchema, folder: str = PREDICTIONS) -> None:
        self._schema = schema
        self._folder = folder
        self._prefix = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(8)}"
        self._number = 0

    def encode(self, records: Sequence[Record]) -> tuple[list[Part], int]:
        """Make parts, each of the records of one day.

        Args:
            records: Records in the order of their times.

        Returns:
            The parts, and the number of records that are lost because their values are not of the
            declared kind.
        """
        parts: list[Part] = []
        for day, of_day in groupby(records, lambda record: day_of(record[0])):
            parts += self._part(day, list(of_day))
        return parts, len(records) - sum(part.rows for part in parts)

    def _part(self, day: str, records: list[Record]) -> list[Part]:
        """The part of some records; none if all of them are invalid."""
        try:
            contents = encode(records, self._schema)
        except Exception:  # noqa: BLE001 - a value of another type; its methods may raise anything
            records = [record for one in records if (record := valid_record(one, self._schema))]
            if not records:
                return []
            contents = encode(records, self._schema)
        self._number += 1
        name = PartName(self._folder, day, f"{self._prefix}-{self._number:06}.parquet")
        return [Part(str(name), len(records), contents)]
