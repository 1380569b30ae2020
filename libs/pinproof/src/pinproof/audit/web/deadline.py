"""Ends a conversation at a set time.

A socket's own timeout starts again with every byte, so a server that sends one now and then could
keep a reader forever.
"""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

__all__ = ["Deadline"]


class Deadline:
    """Cuts the sockets that it watches once its time has passed."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Start the time."""
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the time."""
        self._timer.cancel()

    def watch(self, connection: socket.socket) -> None:
        """Cut this socket too, at once if it is too late already."""
        with self._lock:
            self._sockets.append(connection)
            if self.passed:
                _shut(connection)

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            for connection in self._sockets:
                _shut(connection)


def _shut(connection: socket.socket) -> None:
    # It may be closed already, which is what is wanted.
    with contextlib.suppress(OSError):
        # The plain socket below TLS: a TLS socket would change under the thread that reads it.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
