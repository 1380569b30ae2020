"""HTTP client with retries, back-off, a deadline and a size limit."""

import asyncio
import json
import os
import re
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

import httpx2
import tenacity
from servicekit.files import DataError, TryLaterError

# 50,000 rows of 600 bytes, and room for wider rows.
_MAX_BODY: Final = 128 * 1024 * 1024
# If a server asks for a longer wait, the command ends and can be run again later.
_MAX_WAIT_S: Final = 600.0
_MAX_REDIRECTS: Final = 10

_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_T = TypeVar("_T")
_CONTINUES: Final = "Run the same command again later: it goes on where it stopped."


class BrokenAnswerError(Exception):
    """An answer is incomplete or malformed; a retry may succeed.

    Attributes:
        wait_s: Seconds that the server asks to wait; None if it does not say.
    """

    wait_s: float | None = None


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
        address = httpx2.URL(f"{self.base}/{path}", params=query)
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.tries),
            wait=_wait,
            retry=tenacity.retry_if_exception_type(BrokenAnswerError),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(lambda: read(self._body(address)))
        except BrokenAnswerError as error:
            raise TryLaterError(
                f"{self.base} gave no usable answer in {self.tries} tries, at last {error}. "
                f"{_CONTINUES}"
            ) from error

    def _body(self, address: httpx2.URL) -> bytes:
        self.sleep(max(0.0, self._next - time.monotonic()))
        self._next = time.monotonic() + self.pause_s
        try:
            return asyncio.run(self._request(address))
        except TimeoutError as error:
            raise BrokenAnswerError(
                f"the answer was not there after {self.answer_s:g} s"
            ) from error
        except (httpx2.HTTPError, EOFError, zlib.error) as error:
            raise BrokenAnswerError(f"{type(error).__name__}: {_message(error)}") from error

    async def _request(self, address: httpx2.URL) -> bytes:
        headers = {"Accept-Encoding": "gzip", "User-Agent": "chicagotaxi"}
        if self.token:
            headers["X-App-Token"] = self.token
        # One limit for the whole answer: the client's own starts again with every byte.
        async with (
            asyncio.timeout(self.answer_s),
            httpx2.AsyncClient(headers=headers, timeout=self.timeout_s) as client,
        ):
            for _ in range(_MAX_REDIRECTS):
                async with client.stream("GET", address) as answer:
                    if not answer.has_redirect_location:
                        return await self._read(answer)
                    address = _same_origin(answer)
        raise DataError(f"{self.base} redirects without end. Check the address.")

    async def _read(self, answer: httpx2.Response) -> bytes:
        body = bytearray()
        async for part in answer.aiter_raw():
            body += part
            if len(body) > self.max_body:
                break
        if not answer.is_success:
            self._refuse(answer, bytes(body[:2000]))
        text = bytes(body)
        if len(body) <= self.max_body and answer.headers.get("Content-Encoding") == "gzip":
            text = _unpacked(text, self.max_body)
        if len(text) > self.max_body:
            raise DataError(
                f"{self.base} answers with more than {self.max_body:,} bytes, which no page of "
                "trips is. Check the address."
            )
        return text

    def _refuse(self, answer: httpx2.Response, body: bytes) -> None:
        problem = f"status {answer.status_code}: {_reason(body) or answer.reason_phrase}"
        if answer.status_code not in _TRANSIENT:
            raise DataError(
                f"{self.base} refuses the request with {problem}. Check the dates, the "
                "address and the application token."
            )
        error = BrokenAnswerError(problem)
        error.wait_s = _asked_to_wait(answer.headers.get("Retry-After"))
        if error.wait_s is not None and error.wait_s > _MAX_WAIT_S:
            raise TryLaterError(
                f"{self.base} asks to be left alone for {error.wait_s:.0f} seconds. {_CONTINUES}"
            )
        raise error


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds before the next try: as long as the server asks, or else twice the last wait."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, BrokenAnswerError) else None
    return float(min(2.0 ** (state.attempt_number - 1), 60.0)) if asked is None else asked


def _same_origin(answer: httpx2.Response) -> httpx2.URL:
    """The address of a redirect on the same server; the token is not sent to another.

    Raises:
        DataError: It is another origin.
    """
    following = answer.url.join(answer.headers["Location"])
    if _origin(following) != _origin(answer.url):
        raise DataError(
            f"{_origin(answer.url)} redirects to {_origin(following)}. If you trust that "
            "address, give it with --portal."
        )
    return following


def _origin(address: httpx2.URL) -> str:
    return f"{address.scheme}://{address.netloc.decode()}"


def _unpacked(body: bytes, most: int) -> bytes:
    """The contents of a gzip body, up to one byte more than the limit."""
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    text = unpacker.decompress(body, most + 1)
    if len(text) <= most and not unpacker.eof:
        raise EOFError("the compressed answer ends too early")
    return text


def _message(error: BaseException) -> str:
    """The operating system's message if there is one: it says more than the client's."""
    root = error
    while following := root.__cause__ or root.__context__:
        root = following
    number = getattr(root, "errno", None)
    return os.strerror(number) if number else str(error)


def _reason(body: bytes) -> str:
    text = body.decode("utf-8", "replace").strip()
    try:
        return str(json.loads(text)["message"])
    except (ValueError, LookupError, TypeError):
        return text


def _asked_to_wait(header: str | None) -> float | None:
    """The wait that a server asks for, given in seconds or as a date."""
    if not header:
        return None
    if re.fullmatch(r"[0-9]+", header.strip()):
        return float(header)  # infinity, if there are too many digits
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
