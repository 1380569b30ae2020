"""Client of the portal's API (SODA 2): pages of trips as CSV."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from servicekit.files import DataError

from chicagotaxi.sources.dialects import detect
from chicagotaxi.sources.retrying_client import BrokenAnswerError, RetryingClient

PORTAL: Final = "https://data.cityofchicago.org"
# Trips from 2024 on are in a new data set.
_DATASETS: Final = ((date(2024, 1, 1), "ajtu-isnz"), (date(2013, 1, 1), "wrvz-psew"))


@dataclass(frozen=True)
class Page:
    """Some of a day's trips, in the order of their identifiers.

    Attributes:
        text: The CSV, with its header.
        rows: Number of trips.
        last: The last identifier; empty if there are no trips.
    """

    text: bytes
    rows: int
    last: str


def dataset_of(day: date) -> str:
    """The portal's data set that holds a day's trips.

    Raises:
        DataError: The records begin after the day.
    """
    for first, dataset in _DATASETS:
        if day >= first:
            return dataset
    raise DataError(f"There are no trips of {day}: the portal's records begin in 2013.")


@dataclass
class SodaClient(RetryingClient):
    """Client of the portal.

    Attributes:
        page_rows: Largest number of trips of a page.
    """

    base: str = PORTAL
    page_rows: int = 50_000

    def count(self, day: date) -> int:
        """Number of trips that the portal has of a day."""
        query = {"$select": "count(*) AS trips", "$where": _starts_on(day)}
        text = self.get(f"resource/{dataset_of(day)}.json", query, lambda body: body)
        try:
            return int(json.loads(text)[0]["trips"])
        except (ValueError, LookupError, TypeError) as error:
            raise DataError(
                f"{self.base} does not answer like the portal: {text[:200]!r}"
            ) from error

    def page(self, day: date, *, after: str) -> Page:
        """The next trips of a day.

        Args:
            day: The day on which they start.
            after: The last identifier of the previous page; empty for the first page.
        """
        where = _starts_on(day) + (f" AND trip_id > '{after}'" if after else "")
        query = {"$where": where, "$order": "trip_id", "$limit": str(self.page_rows)}
        return self.get(
            f"resource/{dataset_of(day)}.csv", query, lambda body: _read_page(body, after)
        )


def _read_page(body: bytes, after: str) -> Page:
    """Check that a page is complete: it ends with a line, and identifiers ascend."""
    if not body.endswith(b"\n"):
        raise BrokenAnswerError("the answer ends within a line")
    try:
        rows = csv.reader(io.StringIO(body.decode("utf-8"), newline=""), strict=True)
        header = next(rows, [])
        key = header.index(detect(header, path="the portal's answer").key)
        found = [row[key] for row in rows if len(row) == len(header) or _short(row, header)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BrokenAnswerError(f"the answer is not CSV: {error}") from error
    if any(one >= other for one, other in zip([after, *found], found, strict=False)):
        raise BrokenAnswerError("the trips are not in the order of their identifiers")
    # The last identifier becomes part of the next query, and of a file's name.
    if found and not found[-1].isalnum():
        raise BrokenAnswerError(f"{found[-1]!r} is not an identifier of a trip")
    return Page(body, len(found), found[-1] if found else "")


def _short(row: list[str], header: list[str]) -> bool:
    raise BrokenAnswerError(f"a row has {len(row)} fields, the header {len(header)}")


def _starts_on(day: date) -> str:
    begin, end = f"{day}T00:00:00", f"{day + timedelta(days=1)}T00:00:00"
    return f"trip_start_timestamp >= '{begin}' AND trip_start_timestamp < '{end}'"
