"""HTTP client with retries, back-off, a deadline and a size limit."""

import http.client
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, Final, TypeVar

from servicekit.files import DataError, TryLaterError

from chicagotaxi.sources.http_deadline import Deadline, handlers

# 50,000 rows of 600 bytes, and room for wider rows.
_MAX_BODY: Final = 128 * 1024 * 1024
# If a server asks for a longer wait, the command ends and can be run again later.
_MAX_WAIT_S: Final = 600.0

_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_T = TypeVar("_T")
_CONTINUES: Final = "Run the same command again later: it goes on where it stopped."


class BrokenAnswerError(Exception):
    """An answer is incomplete or malformed; a retry may succeed."""


@dataclass
class RetryingClient:
    """Client of a server that sends one request at a time.

    Attributes:
        base: Address of the server.
        token: Application token, which raises the server's limits.
        tries: Number of times that a request is sent.
        pause_s: Least number of seconds between two requests.
        timeout_s: Longest time without a byte, in seconds.
        answer_s: Longest time for one answer, from the connection to its last byte, in seconds.
        max_body: Largest size of an unpacked answer, in bytes.
        sleep: Function that waits.
    """

    base: str
    token: str | None = None
    tries: int = 6
    pause_s: float = 0.2
    timeout_s: float = 60.0
    answer_s: float = 900.0
    max_body: int = _MAX_BODY
    sleep: Callable[[float], None] = time.sleep
    _next: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Refuse addresses of other protocols, such as files."""
        if not self.base.startswith(("https://", "http://")):
            raise DataError(f"{self.base} is not an address of a portal. Give one with https://.")

    def get(self, path: str, query: dict[str, str], read: Callable[[bytes], _T]) -> _T:
        """Send a request, and retry until there is a complete answer or all tries are used.

        Raises:
            TryLaterError: There is no answer now.
            DataError: The request is refused, or the answer is not of the expected form.
        """
        address = f"{self.base}/{path}?{urllib.parse.urlencode(query)}"
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
                BrokenAnswerError,
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
        with Deadline(self.answer_s) as deadline:
            try:
                body = self._read(request, deadline)
            except (OSError, http.client.HTTPException, EOFError, zlib.error) as error:
                if deadline.passed:
                    raise BrokenAnswerError(
                        f"the answer was not there after {self.answer_s:g} s"
                    ) from error
                raise
        if len(body) > self.max_body:
            raise DataError(
                f"{self.base} answers with more than {self.max_body:,} bytes, which no page of "
                "trips is. Check the address."
            )
        return body

    def _read(self, request: urllib.request.Request, deadline: Deadline) -> bytes:
        """The unpacked answer, up to one byte more than the limit."""
        opener = urllib.request.build_opener(_SameOrigin, *handlers(deadline))
        with opener.open(request, timeout=self.timeout_s) as answer:
            body: bytes = answer.read(self.max_body + 1)
            if answer.length and len(body) <= self.max_body:
                raise http.client.IncompleteRead(body, answer.length)
            if len(body) <= self.max_body and answer.headers.get("Content-Encoding") == "gzip":
                body = _unpacked(body, self.max_body)
        return body


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows redirects within the same origin only: another one would receive the token."""

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


def _origin(address: str) -> str:
    parts = urllib.parse.urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _unpacked(body: bytes, most: int) -> bytes:
    """The contents of a gzip body, up to one byte more than the limit."""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    text = unpacker.decompress(body, most + 1)
    if len(text) <= most and not unpacker.eof:
        raise EOFError("the compressed answer ends too early")
    return text


def _reason(error: urllib.error.HTTPError) -> str:
    text = error.read(2000).decode("utf-8", "replace").strip()
    try:
        return str(json.loads(text)["message"])
    except (ValueError, LookupError, TypeError):
        return text or error.reason


def _asked_to_wait(header: str | None, default: float) -> float:
    """The wait that a server asks for, given in seconds or as a date."""
    if not header:
        return default
    if re.fullmatch(r"[0-9]+", header.strip()):
        return float(header)  # infinity, if there are too many digits
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return default
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
