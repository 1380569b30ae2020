"""A bound on how long an answer waits for its client."""

import asyncio
from collections.abc import Callable
from typing import Final

_TICK_S: Final = 1.0

# Bytes of a long answer that a client must read within the time that an answer may wait.
_LEAST_BYTES: Final = 64 * 2**10


class SendWatch:
    """Aborts a connection whose client does not read; closing it would wait for the client.

    Args:
        transport: The connection.
        loop: The event loop.
        timeout_s: Seconds that an answer may wait.
        on_abort: Called when the connection is aborted.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        *,
        timeout_s: float,
        on_abort: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._timeout_s = timeout_s
        self._on_abort = on_abort
        self._since: float | None = None
        self._unsent = 0
        self._timer = loop.call_later(_TICK_S, self._tick)

    def note_progress(self) -> None:
        """Note that the client has read nearly everything."""
        self._since = None

    def stop(self) -> None:
        """Stop watching, because the connection has ended."""
        self._timer.cancel()

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_TICK_S, self._tick)
        unsent, now = self._transport.get_write_buffer_size(), self._loop.time()
        if not unsent:
            self._since = None
        elif self._since is None:
            self._since, self._unsent = now, unsent
        elif now - self._since >= self._timeout_s:
            if self._unsent - unsent < _LEAST_BYTES:
                self._on_abort()
                self._transport.abort()
            self._since, self._unsent = now, unsent
