"""Downloads trips from the portal, day by day: resumable, and only complete files.

A day's pages are kept in a hidden folder until it has as many trips as the portal counts. Then
they are joined to one file, and the ledger ``fetched.json`` records its rows and SHA-256.
"""

import hashlib
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

from modelseal.records import first_error
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from servicekit.files import (
    DataError,
    NewFile,
    make_folder,
    sha256_of_file,
    write_errors,
    write_file,
)
from servicekit.progress import Advance, silent

from chicagotaxi.clock import ZONE
from chicagotaxi.locks import locked
from chicagotaxi.sources.portal import SodaClient, dataset_of

LEDGER: Final = "fetched.json"
_ROUNDS: Final = 3
# The portal still adds trips to the latest days. They are fetched again.
SETTLED: Final = timedelta(days=3)


class FetchedDay(BaseModel):
    """The ledger's record of a day's file."""

    model_config = ConfigDict(frozen=True)

    file: str
    dataset: str
    rows: Annotated[int, Field(ge=0)]
    sha256: str
    fetched: AwareDatetime


class FetchSummary(BaseModel):
    """Result of `fetch_days`."""

    model_config = ConfigDict(frozen=True)

    fetched: list[date]
    there_already: list[date]
    without_trips: list[date]
    rows: int


_LEDGER: Final = TypeAdapter(dict[date, FetchedDay])


def fetch_days(
    client: SodaClient, first: date, last: date, destination: Path, *, progress: Advance = silent
) -> FetchSummary:
    """Fetch the trips that start on some days.

    Args:
        client: Client of the portal.
        first: The first day.
        last: The last day.
        destination: Folder for one CSV file per day. A day is not fetched again if its file has the
            recorded digest and was fetched more than three days later.
        progress: Receives one for each day that is done, and how many trips of a day there are.

    Raises:
        DataError: The portal gives no usable answer, or something cannot be written. Complete days
            and pages stay, and the next call continues from there.
    """
    if last < first:
        raise DataError(f"The last day {last} is before the first {first}. Exchange them.")
    dataset_of(first)
    make_folder(destination)
    with locked(destination):
        ledger = read_ledger(destination)
        fetched, there, without = [], [], []
        for day in (first + timedelta(days=number) for number in range((last - first).days + 1)):
            if day in ledger and _is_complete(day, ledger[day], destination):
                there.append(day)
                progress()
                continue
            _check_room(destination, client.max_body)
            entry = _fetch_day(client, day, destination, progress)
            if entry is None:
                without.append(day)
                progress()
                continue
            ledger[day] = entry
            write_file(destination / LEDGER, _LEDGER.dump_json(ledger, indent=2) + b"\n")
            fetched.append(day)
            progress()
    rows = sum(ledger[day].rows for day in fetched + there)
    return FetchSummary(fetched=fetched, there_already=there, without_trips=without, rows=rows)


def read_ledger(destination: Path) -> dict[date, FetchedDay]:
    """The records of the days that were fetched into a folder.

    Raises:
        DataError: The ledger is damaged.
    """
    path = destination / LEDGER
    if not path.is_file():
        return {}
    try:
        return _LEDGER.validate_json(path.read_bytes())
    except ValidationError as error:
        raise DataError(
            f"{path} is damaged: {first_error(error)}. Remove it; the days are then fetched again."
        ) from error


def _check_room(destination: Path, needed: int) -> None:
    """Refuse to begin a day that may not fit, before its pages are requested."""
    with write_errors(destination):
        free = shutil.disk_usage(destination).free
    if free < needed:
        raise DataError(
            f"{destination} has {free:,} bytes free; a page of trips may have {needed:,}. Make "
            "room, and run the same command again: it goes on where it stopped."
        )


def _fetch_day(
    client: SodaClient, day: date, destination: Path, progress: Advance
) -> FetchedDay | None:
    pages = destination / f".{day}.pages"
    expected = rows = 0
    for _ in range(_ROUNDS):
        with write_errors(pages):
            pages.mkdir(exist_ok=True)
        rows = _fetch_pages(client, day, pages, progress)
        expected = client.count(day)
        if rows == expected:
            entry = _join(day, pages, destination, rows) if rows else None
            shutil.rmtree(pages)
            return entry
        # The portal's data changed between the pages: they may not belong together.
        shutil.rmtree(pages)
    raise DataError(
        f"The portal counts {expected} trips on {day}, but returns {rows}. Its data seem to be "
        "changing: run the same command again later."
    )


def _fetch_pages(client: SodaClient, day: date, pages: Path, progress: Advance) -> int:
    """Fetch the missing pages of a day, and count the trips of all pages.

    A page's name has its number, its rows and its last identifier, which are all that is needed to
    continue after it.
    """
    rows, after, number = 0, "", 0
    for path in sorted(pages.glob("[0-9]*.csv")):
        _, count, after = path.stem.split("-", 2)
        rows += int(count)
        number += 1
        if int(count) < client.page_rows:
            return rows
    while True:
        page = client.page(day, after=after)
        write_file(pages / f"{number:06d}-{page.rows}-{page.last}.csv", page.text)
        rows, after, number = rows + page.rows, page.last, number + 1
        progress(0, f"{day}: {rows:,} trips")
        if page.rows < client.page_rows:
            return rows


def _join(day: date, pages: Path, destination: Path, rows: int) -> FetchedDay:
    """Join the pages to the day's file, with one header."""
    name = f"trips-{day}.csv"
    digest = hashlib.sha256()
    with NewFile(destination / name) as file, file.path.open("wb") as target:
        for number, path in enumerate(sorted(pages.glob("[0-9]*.csv"))):
            text = path.read_bytes()
            part = text if number == 0 else text[text.index(b"\n") + 1 :]
            target.write(part)
            digest.update(part)
    return FetchedDay(
        file=name,
        dataset=dataset_of(day),
        rows=rows,
        sha256=digest.hexdigest(),
        fetched=datetime.now(UTC),
    )


def _is_complete(day: date, entry: FetchedDay, destination: Path) -> bool:
    """Whether a day was fetched long enough after it, in Chicago, and its file is unchanged."""
    path = destination / entry.file
    settled = entry.fetched.astimezone(ZONE).date() - day > SETTLED
    return settled and path.is_file() and sha256_of_file(path) == entry.sha256
