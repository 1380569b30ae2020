"""Turns answers into the parts of a prediction log."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from modelwatch.log.records import Answers, Record, day_of, encode, valid_record
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

    def encode(self, answers: Sequence[Answers], *, most_rows: int) -> tuple[list[Part], int]:
        """Make parts, each of the records of one day.

        Args:
            answers: Answers in the order of their times.
            most_rows: Most rows of a part.

        Returns:
            The parts, and the number of records that are lost because their values cannot be read
            or are not of the declared kind.
        """
        records: list[Record] = []
        for one in answers:
            records += _records_of(one)
        parts: list[Part] = []
        for day, of_day in groupby(records, lambda record: day_of(record.time)):
            rows = list(of_day)
            for start in range(0, len(rows), most_rows):
                parts += self._part(day, rows[start : start + most_rows])
        return parts, sum(one.kept for one in answers) - sum(part.rows for part in parts)

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


def _records_of(answers: Answers) -> list[Record]:
    try:
        return answers.records()
    except Exception:  # noqa: BLE001 - reading values may raise anything
        return []
