"""A deadline for a whole HTTP request, however slowly the server sends its headers or body."""

import contextlib
import http.client
import socket
import urllib.request
from threading import Timer
from types import TracebackType
from typing import Self


class Deadline:
    """Closes the connections of a request when its time is over.

    Use it as a context manager around the request.

    Args:
        seconds: Time for the request, with its redirects and the whole answer.

    Attributes:
        passed: Whether the time was over before the request ended.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    def watch(self, connected: socket.socket) -> None:
        """Also close this connection."""
        self._sockets.append(connected)
        if self.passed:
            self._end()

    def __enter__(self) -> Self:
        """Start the timer."""
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the timer."""
        self._timer.cancel()

    def _end(self) -> None:
        self.passed = True
        for one in self._sockets:
            # It may be closed already.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def handlers(deadline: Deadline) -> list[urllib.request.BaseHandler]:
    """Handlers for `urllib.request.build_opener` that open connections under a deadline."""

    class Plain(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class Secure(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class PlainHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Plain, req)

    class SecureHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Secure, req)

    return [PlainHandler(), SecureHandler()]
