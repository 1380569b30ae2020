"""A transport whose close lets the client finish sending first."""

import asyncio
from collections.abc import Callable
from typing import Final

# Limits on the input that is read and dropped after a close.
LINGER_S: Final = 2.0
MAX_LINGER_BYTES: Final = 2**20


class LingeringTransport(asyncio.Transport):
    """A transport that is half-closed while the client may still send, and closed then.

    A connection that is closed with unread input is reset, and a reset can take an answer from the
    client before it is read (RFC 9112, section 9.6).

    Args:
        transport: The connection.
        loop: The event loop.
        expects_input: Tells whether the client may still send a part of a request.
        on_linger: Called when the connection is half-closed.

    Attributes:
        lingers: Whether the connection is half-closed.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        *,
        expects_input: Callable[[], bool],
        on_linger: Callable[[], None],
    ) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._expects_input = expects_input
        self._on_linger = on_linger
        self._dropped_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lingers(self) -> bool:
        """Whether the connection is half-closed."""
        return self._timer is not None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Whether the connection is closed or half-closed: nothing more can be sent."""
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        """Close the connection, at once or once the client has had time to finish."""
        if self.is_closing():
            return
        if not self._expects_input():
            self._transport.close()
            return
        self._timer = self._loop.call_later(LINGER_S, self._transport.close)
        self._transport.write_eof()
        self._on_linger()

    def drop(self, data: bytes) -> None:
        """Count input that arrived after the close; too much of it ends the connection."""
        self._dropped_bytes += len(data)
        if self._dropped_bytes > MAX_LINGER_BYTES:
            self._transport.close()

    def stop(self) -> None:
        """Stop the timer, because the connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
