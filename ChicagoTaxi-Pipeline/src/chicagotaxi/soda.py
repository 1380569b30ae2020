"""A client of the portal's API (SODA 2): pages of trips as CSV, with patience."""

import csv
import http.client
import io
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import IO, Final, TypeVar

from servicekit.files import DataError, TryLaterError

from chicagotaxi.dialects import detect

__all__ = ["PORTAL", "Page", "SodaClient", "dataset_of"]

PORTAL: Final = "https://data.cityofchicago.org"
# The city began a new data set with the trips of 2024.
_DATASETS: Final = ((date(2024, 1, 1), "ajtu-isnz"), (date(2013, 1, 1), "wrvz-psew"))

# What a page can be at most: rows of 600 bytes, and room for a change of the portal's mind.
_MAX_BODY: Final = 128 * 1024 * 1024
# Whoever is asked to wait longer is better told to come back.
_MAX_WAIT_S: Final = 600.0

_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_T = TypeVar("_T")
_CONTINUES: Final = "Run the same command again later: it goes on where it stopped."


@dataclass(frozen=True)
class Page:
    """Some of a day's trips, in the order of their identifiers.

    Attributes:
        text: The CSV, with its header.
        rows: How many trips.
        last: The last identifier; empty where there are none.
    """

    text: bytes
    rows: int
    last: str


def dataset_of(day: date) -> str:
    """The portal's data set that holds a day's trips.

    Raises:
        DataError: The records begin later.
    """
    for first, dataset in _DATASETS:
        if day >= first:
            return dataset
    raise DataError(f"There are no trips of {day}: the portal's records begin in 2013.")


@dataclass
class SodaClient:
    """Asks the portal, one request at a time.

    Attributes:
        base: Address of the portal.
        token: The application's token, with which the portal is more generous.
        page_rows: The most trips of a page.
        tries: How often a request is made before it is given up.
        pause_s: The least time between two requests.
        timeout_s: The longest silence.
        max_body: The most bytes of an answer, unpacked.
        sleep: Waits.
    """

    base: str = PORTAL
    token: str | None = None
    page_rows: int = 50_000
    tries: int = 6
    pause_s: float = 0.2
    timeout_s: float = 60.0
    max_body: int = _MAX_BODY
    sleep: Callable[[float], None] = time.sleep
    _next: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Refuse addresses of other protocols, such as files."""
        if not self.base.startswith(("https://", "http://")):
            raise DataError(f"{self.base} is no address of a portal. Give one with https://.")

    def count(self, day: date) -> int:
        """How many trips the portal has of a day."""
        query = {"$select": "count(*) AS trips", "$where": _starts_on(day)}
        text = self._get(dataset_of(day), "json", query, lambda body: body)
        try:
            return int(json.loads(text)[0]["trips"])
        except (ValueError, LookupError, TypeError) as error:
            raise DataError(
                f"{self.base} does not answer like the portal: {text[:200]!r}"
            ) from error

    def page(self, day: date, *, after: str) -> Page:
        """The next trips of a day.

        Args:
            day: On which they start.
            after: The last identifier of the page before; empty for the first page.
        """
        where = _starts_on(day) + (f" AND trip_id > '{after}'" if after else "")
        query = {"$where": where, "$order": "trip_id", "$limit": str(self.page_rows)}
        return self._get(dataset_of(day), "csv", query, lambda body: _read_page(body, after))

    def _get(
        self, dataset: str, form: str, query: dict[str, str], read: Callable[[bytes], _T]
    ) -> _T:
        """Ask until there is a whole answer, or patience ends."""
        address = f"{self.base}/resource/{dataset}.{form}?{urllib.parse.urlencode(query)}"
        problem = "no answer"
        for attempt in range(self.tries):
            self.sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + self.pause_s
            wait = min(2.0**attempt, 60.0)
            try:
                return read(self._body(address))
            except urllib.error.HTTPError as error:
                with error:
                    problem = f"status {error.code}: {_reason(error)}"
                    if error.code not in _TRANSIENT:
                        raise DataError(
                            f"{self.base} refuses the request with {problem}. Check the dates, the "
                            "address and the application token."
                        ) from error
                    wait = _asked_to_wait(error.headers.get("Retry-After"), wait)
                    if wait > _MAX_WAIT_S:
                        raise TryLaterError(
                            f"{self.base} asks to be left alone for {wait:.0f} seconds. "
                            f"{_CONTINUES}"
                        ) from error
            except (
                OSError,
                http.client.HTTPException,
                EOFError,
                zlib.error,
                _BrokenError,
            ) as error:
                problem = f"{type(error).__name__}: {error}"
            if attempt + 1 < self.tries:
                self.sleep(wait)
        raise TryLaterError(
            f"{self.base} gave no usable answer in {self.tries} tries, at last {problem}. "
            f"{_CONTINUES}"
        )

    def _body(self, address: str) -> bytes:
        headers = {"Accept-Encoding": "gzip", "User-Agent": "chicagotaxi"}
        if self.token:
            headers["X-App-Token"] = self.token
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - see __post_init__
        with _OPENER.open(request, timeout=self.timeout_s) as answer:
            body: bytes = answer.read(self.max_body + 1)
            if answer.length and len(body) <= self.max_body:
                raise http.client.IncompleteRead(body, answer.length)
            if len(body) <= self.max_body and answer.headers.get("Content-Encoding") == "gzip":
                body = _unpacked(body, self.max_body)
        if len(body) > self.max_body:
            raise DataError(
                f"{self.base} answers with more than {self.max_body:,} bytes, which no page of "
                "trips is. Check the address."
            )
        return body


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows redirects on the portal itself; elsewhere, the token would go along."""

    def redirect_request(  # noqa: PLR0917 - as urllib has it
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Refuse another origin."""
        if _origin(newurl) != _origin(req.full_url):
            raise DataError(
                f"{_origin(req.full_url)} redirects to {_origin(newurl)}. If you trust that "
                "address, give it with --portal."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER: Final = urllib.request.build_opener(_SameOrigin)


def _origin(address: str) -> str:
    parts = urllib.parse.urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _unpacked(body: bytes, most: int) -> bytes:
    """What a gzip body holds, of which no more than one byte too much is unpacked."""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    text = unpacker.decompress(body, most + 1)
    if len(text) <= most and not unpacker.eof:
        raise EOFError("the compressed answer ends too early")
    return text


class _BrokenError(Exception):
    """An answer is not whole, or not in order; another may be."""


def _read_page(body: bytes, after: str) -> Page:
    """Check that a page is whole: it ends with a line, and identifiers ascend."""
    if not body.endswith(b"\n"):
        raise _BrokenError("the answer ends within a line")
    try:
        rows = csv.reader(io.StringIO(body.decode("utf-8"), newline=""), strict=True)
        header = next(rows, [])
        key = header.index(detect(header, path="the portal's answer").key)
        found = [row[key] for row in rows if len(row) == len(header) or _short(row, header)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _BrokenError(f"the answer is no CSV: {error}") from error
    if any(one >= other for one, other in zip([after, *found], found, strict=False)):
        raise _BrokenError("the trips are not in the order of their identifiers")
    # The last one becomes part of the next question, and of the name of a file.
    if found and not found[-1].isalnum():
        raise _BrokenError(f"{found[-1]!r} is no identifier of a trip")
    return Page(body, len(found), found[-1] if found else "")


def _short(row: list[str], header: list[str]) -> bool:
    raise _BrokenError(f"a row has {len(row)} fields, the header {len(header)}")


def _reason(error: urllib.error.HTTPError) -> str:
    text = error.read(2000).decode("utf-8", "replace").strip()
    try:
        return str(json.loads(text)["message"])
    except (ValueError, LookupError, TypeError):
        return text or error.reason


def _asked_to_wait(header: str | None, default: float) -> float:
    """How long a server asks to be left alone: seconds, or until a date."""
    if not header:
        return default
    if re.fullmatch(r"[0-9]+", header.strip()):
        return float(header)  # of any number of digits: infinity, where they are too many
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return default
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _starts_on(day: date) -> str:
    begin, end = f"{day}T00:00:00", f"{day + timedelta(days=1)}T00:00:00"
    return f"trip_start_timestamp >= '{begin}' AND trip_start_timestamp < '{end}'"
