"""A client of HTTP servers that ends every request, whatever the server does.

The standard library is enough for it, and this package ships in production images, where a client
of its own would be one more distribution to keep.
"""

import json
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPException
from ssl import SSLContext, create_default_context
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import OpenerDirector, Request, build_opener

from pinproof.audit.web.deadline import Deadline
from pinproof.audit.web.handlers import handlers
from pinproof.errors import PinproofError
from pinproof.repository.requirements import shorten

__all__ = ["Answer", "Client", "NotFoundError", "WebError", "check_address"]

_TRANSIENT = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_ABSENT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_CHUNK = 1 << 16


class WebError(PinproofError):
    """A server did not give what it was asked for."""


class NotFoundError(WebError):
    """The server answered that it has no such document."""


class _TransientError(Exception):
    """A failure that another attempt may not meet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Attributes:
        url: What was asked for, without a password.
        kind: The media type, in lower case and without parameters.
        body: The document.
    """

    url: str
    kind: str
    body: bytes


@dataclass(frozen=True)
class Client:
    """Asks servers. It keeps nothing between requests and may be used by many threads.

    Attributes:
        silence_s: The longest time that a server may say nothing.
        deadline_s: The longest time that one attempt may take in all.
        largest: The most bytes that an answer may have.
        attempts: How often a request is made before a transient failure counts.
        pause_s: How long to wait before the second attempt; each further wait is twice as long.
    """

    silence_s: float = 20
    deadline_s: float = 60
    largest: int = 64 * 1024 * 1024
    attempts: int = 3
    pause_s: float = 0.5

    def get(self, url: str, *, accept: str = "application/json") -> Answer:
        """Ask for a document.

        Raises:
            WebError: There is no answer, or none that can be used. The message names the address.
        """
        return self._ask(url, {"Accept": accept}, None)

    def post(self, url: str, document: object) -> Answer:
        """Ask a question that is a JSON document, and that may be asked again.

        Raises:
            WebError: There is no answer, or none that can be used. The message names the address.
        """
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        return self._ask(url, headers, json.dumps(document).encode())

    @cached_property
    def _tls(self) -> SSLContext:
        return create_default_context()

    def _ask(self, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        bare, authorization = _split_credentials(check_address(url))
        # One request after the other may be given the same headers: none is changed here.
        request = Request(bare, data=body, headers=dict(headers))  # noqa: S310 - checked above
        request.add_header("User-Agent", "pinproof")
        if authorization:
            # Not sent on to where a redirect leads.
            request.add_unredirected_header("Authorization", authorization)
        for attempt in range(1, self.attempts + 1):
            try:
                return self._attempt(request, bare)
            except _TransientError as error:
                if attempt == self.attempts:
                    raise WebError(
                        f"{shorten(bare)} gives no answer: {error}.",
                        remedy="Try again later, or name another server.",
                    ) from error
                time.sleep(self.pause_s * 2 ** (attempt - 1))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _attempt(self, request: Request, url: str) -> Answer:
        with Deadline(self.deadline_s) as deadline:
            try:
                opener: OpenerDirector = build_opener(*handlers(deadline, self._tls))
                with opener.open(request, timeout=self.silence_s) as response:
                    kind = response.headers.get_content_type()
                    answer = Answer(url, kind, self._read(response, url))
            except HTTPError as error:
                raise _refused(error, url) from error
            except (OSError, HTTPException, ValueError) as error:
                if deadline.passed:
                    raise self._late(url) from error
                raise _failed(error, url) from error
            if deadline.passed:
                # What was read may end where the connection was cut.
                raise self._late(url)
            return answer

    def _read(self, response: IO[bytes], url: str) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := response.read(_CHUNK):
            size += len(part)
            if size > self.largest:
                raise WebError(
                    f"{shorten(url)} answers with more than {self.largest} bytes.",
                    remedy="See whether this is the address of the right server.",
                )
            parts.append(part)
        # `http.client` counts down what Content-Length announced, and says nothing if some is left.
        if getattr(response, "length", None):
            raise _TransientError("the answer ends before its announced length")
        return b"".join(parts)

    def _late(self, url: str) -> WebError:
        return WebError(
            f"{shorten(url)} gives no whole answer within {self.deadline_s:g} s.",
            remedy="Try again later, or name a faster server.",
        )


def check_address(url: str) -> str:
    """Give the address back if it is one of HTTP.

    Raises:
        WebError: It is not. Other schemes can name local files.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise WebError(
            f"{shorten(url)!r} is no address of an HTTP server.",
            remedy="Write one that begins with https://.",
        )
    return url


def _split_credentials(url: str) -> tuple[str, str]:
    """The address without what stands before its @, and that as a header's value."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=host))
    if not at:
        return bare, ""
    return bare, f"Basic {b64encode(unquote(user).encode()).decode()}"


def _refused(error: HTTPError, url: str) -> Exception:
    status = f"{error.code} {error.reason}"
    error.close()
    if error.code in _TRANSIENT:
        return _TransientError(status)
    if error.code in _ABSENT:
        return NotFoundError(
            f"{shorten(url)} does not exist there ({error.code}).",
            remedy="Correct the name, or name another server.",
        )
    return WebError(
        f"{shorten(url)} answers {shorten(status)}.",
        remedy="See what the server wants, or name another one.",
    )


def _failed(error: Exception, url: str) -> Exception:
    reason = error.reason if isinstance(error, URLError) else error
    refused = isinstance(reason, ConnectionRefusedError)
    if isinstance(reason, ConnectionError | HTTPException) and not refused:
        return _TransientError(shorten(str(reason) or type(reason).__name__))
    if isinstance(reason, TimeoutError):
        text = "it says nothing for too long"
    else:
        text = getattr(reason, "strerror", None) or str(reason)
    return WebError(
        f"{shorten(url)} gives no answer: {shorten(text)}.",
        remedy="See whether this machine reaches it, or name another server.",
    )
