"""uvicorn's HTTP connection, with bounds that uvicorn leaves open."""

import asyncio
import json
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from servicekit.problems import MEDIA_TYPE, TYPE_PREFIX

__all__ = ["bounded_protocol"]

# After an early refusal (413, 401, 503) the rest of a body is read and dropped, so that a client
# that sends everything first still sees its answer. This much, and then the connection closes.
MAX_DROPPED_BYTES = 64 * 2**20


def bounded_protocol(*, max_header_bytes: int, header_timeout_s: float) -> type[HttpToolsProtocol]:
    """The protocol class of a server: uvicorn wants a class, and gives it no settings of ours.

    Args:
        max_header_bytes: The largest request line with headers; more is answered with 431.
        header_timeout_s: How long a client may take to send them, from its first byte (from the
            connection's start for the first request). Also how long an early refused body may
            go on.
    """

    class BoundedProtocol(HttpToolsProtocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
            super().__init__(*args, **kwargs)
            self._header_bytes = 0
            self._in_headers = True
            self._in_message = False
            self._dropped_bytes = 0
            self._timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._arm()

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # A header's bytes are handed over when it ends; count those of one that does not end.
            if self._in_headers and self._in_message and not self.transport.is_closing():
                self._header_bytes += len(data)
                if self._header_bytes > max_header_bytes:
                    self._refuse_headers()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._header_bytes = 0
            self._in_headers = self._in_message = True
            self._dropped_bytes = 0
            if self._timer is None:
                self._arm()

        def on_headers_complete(self) -> None:
            self._in_headers = False
            self._disarm()
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > max_header_bytes:
                # The parser stops at an exception of a callback; see send_400_response.
                self._header_bytes = size
                raise httptools.HttpParserError
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            if self.cycle.response_complete:
                self._dropped_bytes += len(body)
                if self._dropped_bytes > MAX_DROPPED_BYTES:
                    self.transport.close()
                return
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._in_message = False
            self._disarm()
            super().on_message_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self._in_message and not self._in_headers:
                self._arm()

        def send_400_response(self, msg: str) -> None:
            if self._header_bytes > max_header_bytes:
                self._refuse_headers()
            else:
                self._send_problem(400, b"Bad Request", "bad-request", msg)

        def _refuse_headers(self) -> None:
            self._send_problem(
                431,
                b"Request Header Fields Too Large",
                "headers-too-large",
                f"The request line and headers may have {max_header_bytes} bytes.",
            )

        def _send_problem(self, status: int, phrase: bytes, code: str, detail: str) -> None:
            """Answer what never became a request of the application."""
            if self.transport.is_closing():
                return
            title = phrase.decode()
            problem = {"type": TYPE_PREFIX + code, "title": title, "status": status}
            body = json.dumps(problem | {"detail": detail}).encode()
            head = (
                b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n"
            )
            self.transport.write(head % (status, phrase, MEDIA_TYPE.encode(), len(body)) + body)
            self.transport.close()

        def _arm(self) -> None:
            self._disarm()
            self._timer = self.loop.call_later(header_timeout_s, self._give_up)

        def _disarm(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self) -> None:
            self._timer = None
            if not self.transport.is_closing():
                self.transport.close()

    return BoundedProtocol
