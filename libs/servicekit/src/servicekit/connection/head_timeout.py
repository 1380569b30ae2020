"""A bound on how long a client takes to send a head."""

import asyncio


class HeadTimeout:
    """Closes a connection when a time passes between `start` and `stop`.

    Args:
        transport: The connection.
        loop: The event loop.
        timeout_s: The time.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, timeout_s: float
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._timeout_s = timeout_s
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._timer is not None

    def start(self) -> None:
        """Start the time, from the beginning if it runs."""
        self.stop()
        self._timer = self._loop.call_later(self._timeout_s, self._close)

    def stop(self) -> None:
        """Stop the time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        if not self._transport.is_closing():
            self._transport.close()
