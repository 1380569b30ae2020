"""An HTTP client with retries and a bound on the time, size and redirects of each request."""

import asyncio
import errno
import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from ssl import SSLContext, create_default_context
from typing import Final
from urllib.parse import urlsplit

import httpx2
import tenacity

from pinproof.errors import PinproofError
from pinproof.repository.requirements import shorten

_TRANSIENT: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_ABSENT: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_MAX_REDIRECTS: Final = 10
_OFFLINE: Final = frozenset(
    {errno.ECONNREFUSED, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT}
)
_CREDENTIALS: Final = re.compile(r"//\S*@")


class WebError(PinproofError):
    """A server did not answer a request."""


class NotFoundError(WebError):
    """The server answered that it has no such document."""


class OfflineError(WebError):
    """The server cannot be reached: its name has no address, or it accepts no connection."""


class _TransientError(Exception):
    """A failure that a retry may not meet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a server.

    Attributes:
        url: The address of the request, without a password.
        kind: The media type, in lower case and without parameters.
        body: The document.
    """

    url: str
    kind: str
    body: bytes


@dataclass(frozen=True)
class Client:
    """An HTTP client without state, which many threads may use.

    Attributes:
        silence_s: The longest time in seconds without a byte from the server.
        deadline_s: The longest time in seconds of one attempt.
        largest: The largest size of an answer in bytes.
        attempts: How often a request is sent before a transient failure is an error.
        pause_s: Seconds before the second attempt. Each further pause is twice as long.
    """

    silence_s: float = 20
    deadline_s: float = 60
    largest: int = 64 * 1024 * 1024
    attempts: int = 3
    pause_s: float = 0.5

    def get(self, url: str, *, accept: str = "application/json") -> Answer:
        """Get a document.

        Raises:
            WebError: There is no usable answer. The message names the address.
        """
        return self._request("GET", url, {"Accept": accept}, None)

    def post(self, url: str, document: object) -> Answer:
        """Post a JSON document whose request may be repeated.

        Raises:
            WebError: There is no usable answer. The message names the address.
        """
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        return self._request("POST", url, headers, json.dumps(document).encode())

    @cached_property
    def _tls(self) -> SSLContext:
        return create_default_context()

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        address = httpx2.URL(check_address(url))
        bare = address.copy_with(userinfo=b"")
        fixed = {"User-Agent": "pinproof", "Accept-Encoding": "identity"}
        request = httpx2.Request(method, bare, headers={**fixed, **headers}, content=body)
        if address.userinfo:
            auth = httpx2.BasicAuth(address.username, address.password)
            request = next(auth.auth_flow(request))
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.attempts),
            wait=tenacity.wait_exponential(multiplier=self.pause_s),
            retry=tenacity.retry_if_exception_type(_TransientError),
            reraise=True,
        )
        try:
            return retrying(lambda: asyncio.run(self._attempt(request)))
        except _TransientError as error:
            raise WebError(
                f"{shorten(str(bare))} gives no answer: {error}.",
                remedy="Try again later, or name another server.",
            ) from error

    async def _attempt(self, request: httpx2.Request) -> Answer:
        url = str(request.url)
        try:
            # One time limit for all of it: httpx2's own starts again with every byte.
            return await asyncio.wait_for(self._exchange(request), self.deadline_s)
        except asyncio.TimeoutError as error:
            raise WebError(
                f"{shorten(url)} gives no complete answer within {self.deadline_s:g} s.",
                remedy="Try again later, or name a faster server.",
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _failed(error, url) from error

    async def _exchange(self, request: httpx2.Request) -> Answer:
        async with httpx2.AsyncClient(verify=self._tls, timeout=self.silence_s) as client:
            return await self._follow(client, request)

    async def _follow(self, client: httpx2.AsyncClient, request: httpx2.Request) -> Answer:
        url = str(request.url)
        for further in reversed(range(_MAX_REDIRECTS)):
            response = await client.send(request, stream=True)
            try:
                following = next_request(response)
                if following is None or not further:
                    return await self._read(response, url)
            finally:
                await response.aclose()
            request = following
        raise AssertionError("unreachable: the last round returns or raises")

    async def _read(self, response: httpx2.Response, url: str) -> Answer:
        if not response.is_success:
            raise _refused(response, url)
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > self.largest:
                raise WebError(
                    f"{shorten(url)} answers with more than {self.largest} bytes.",
                    remedy="Check the address of the server.",
                )
        kind = response.headers.get("Content-Type", "text/plain").partition(";")[0]
        return Answer(url, kind.strip().lower(), bytes(body))


def next_request(response: httpx2.Response) -> httpx2.Request | None:
    """The request that a redirect leads to, without credentials; None for another answer.

    Raises:
        WebError: The redirect leads away from HTTPS, where others could read and change it, or to
            something else than HTTP.
    """
    following = response.next_request
    if following is None:
        return None
    allowed = {"https"} if response.url.scheme == "https" else {"http", "https"}
    if following.url.scheme not in allowed:
        raise WebError(
            f"{shorten(str(response.url))} redirects away from {' and '.join(sorted(allowed))}.",
            remedy="Name the server that it redirects to, if you trust it.",
        )
    following.headers.pop("Authorization", None)
    return following


def check_address(url: str) -> str:
    """Return the address if it is the address of an HTTP server.

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
            f"{shorten(without_credentials(url))!r} is not the address of an HTTP server.",
            remedy="Write one that begins with https://.",
        )
    return url


def without_credentials(url: str) -> str:
    """An address without the name and the password that it may contain, also if it is invalid."""
    return _CREDENTIALS.sub("//", url)


def _refused(response: httpx2.Response, url: str) -> Exception:
    status = f"{response.status_code} {response.reason_phrase}"
    if response.status_code in _TRANSIENT:
        return _TransientError(status)
    if response.status_code in _ABSENT:
        return NotFoundError(
            f"{shorten(url)} does not exist there ({response.status_code}).",
            remedy="Correct the name, or name another server.",
        )
    return WebError(
        f"{shorten(url)} answers {shorten(status)}.",
        remedy="Check the requirements of the server, or name another one.",
    )


def _failed(error: Exception, url: str) -> Exception:
    if isinstance(error, httpx2.ReadError | httpx2.WriteError | httpx2.RemoteProtocolError):
        return _TransientError(shorten(str(error) or type(error).__name__))
    cause = _cause(error)
    reason = shorten(_reason(cause))
    if isinstance(error, httpx2.ConnectTimeout) or _is_offline(cause):
        return OfflineError(
            f"{shorten(url)} gives no answer: {reason}. This machine is offline, or does not reach "
            "that server.",
            remedy="Connect it, or name a server that it reaches.",
        )
    if isinstance(error, httpx2.TimeoutException):
        reason = "it sends nothing for too long"
    return WebError(
        f"{shorten(url)} gives no answer: {reason}.",
        remedy="Check that this machine reaches it, or name another server.",
    )


def _cause(error: BaseException) -> BaseException:
    while following := error.__cause__ or error.__context__:
        error = following
    return error


def _is_offline(cause: BaseException) -> bool:
    return isinstance(cause, socket.gaierror) or getattr(cause, "errno", None) in _OFFLINE


def _reason(cause: BaseException) -> str:
    """The operating system's reason, where there is one: it says more than the client's."""
    number = getattr(cause, "errno", None)
    if isinstance(number, int) and number in errno.errorcode:
        return os.strerror(number)
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
