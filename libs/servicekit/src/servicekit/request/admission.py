"""Admits requests as a `ConcurrencyLimiter` allows."""

import asyncio
import math
from typing import Any, Final

from starlette.types import Message, Receive

from servicekit.concurrency_limiter import ConcurrencyLimiter, Place
from servicekit.errors import ClientDisconnectedError, OverloadedError
from servicekit.request.exchange import Exchange
from servicekit.shared_timer import SharedTimer

# Short waits are common under load, and not worth a task that watches for a disconnect.
WATCH_AFTER_S: Final = 0.1


class Admission:
    """Admits requests in order of arrival, or refuses them with 503.

    Args:
        limiter: The limit on concurrent requests.
        queue_timeout_s: The longest wait in the queue.
    """

    def __init__(self, limiter: ConcurrencyLimiter, *, queue_timeout_s: float) -> None:
        self._limiter = limiter
        self._queue_timeout_s = queue_timeout_s
        self._patience = SharedTimer[Place](min(WATCH_AFTER_S, queue_timeout_s), limiter.wake)
        self.try_acquire = limiter.try_acquire
        self.release = limiter.release

    async def acquire(self, exchange: Exchange) -> "DisconnectWatcher | None":
        """Wait until a request is admitted; the caller releases it.

        Returns:
            The watcher of a request that waited for long, to be closed at its end. The request's
            messages come from it.

        Raises:
            OverloadedError: Too many requests wait, or the wait was too long.
            ClientDisconnectedError: The client disconnected before.
        """
        if self._limiter.try_acquire():
            return None
        place = self._limiter.enqueue()
        if place is None:
            raise self._overloaded("Too many requests are waiting.")
        watcher: DisconnectWatcher | None = None
        until = asyncio.get_running_loop().time() + self._queue_timeout_s
        try:
            self._patience.add(place)
            same = await place
            if same is not None:
                watcher = DisconnectWatcher(exchange.source)
                exchange.source = watcher.receive
                async with asyncio.timeout_at(until):
                    await watcher.wait_for(same)
        except BaseException as error:
            self._limiter.cancel(place)
            if watcher is not None:
                watcher.close()
            if isinstance(error, TimeoutError):
                raise self._overloaded("The wait in the queue was too long.") from error
            raise
        finally:
            self._patience.discard(place)
        return watcher

    def _overloaded(self, detail: str) -> OverloadedError:
        return OverloadedError(
            f"{detail} Try again later, or send fewer requests at once.",
            retry_after_s=max(1, math.ceil(self._queue_timeout_s)),
        )


class DisconnectWatcher:
    """Notices that a client disconnects while its request waits, and keeps the messages it reads.

    It reads at most one message before the request is admitted, or two if the first completes the
    body: an unread body stays with the server or the client.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._received: list[Message] = []
        self._receiving: asyncio.Future[Message] | None = None

    async def wait_for(self, admitted: Place) -> None:
        """Wait until the request is admitted.

        Raises:
            ClientDisconnectedError: The client disconnected before.
        """
        while not admitted.done():
            if self._receiving is None and self._may_receive():
                self._receiving = asyncio.ensure_future(self._receive())
            waits: list[asyncio.Future[Any]] = [admitted]
            if self._receiving is not None:
                waits.append(self._receiving)
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if self._receiving is not None and self._receiving.done():
                message = self._receiving.result()
                self._receiving = None
                self._received.append(message)
                if message["type"] == "http.disconnect":
                    raise ClientDisconnectedError

    async def receive(self) -> Message:
        """Return the kept messages first, then new ones."""
        if self._received:
            return self._received.pop(0)
        if self._receiving is not None:
            receiving, self._receiving = self._receiving, None
            return await receiving
        return await self._receive()

    def close(self) -> None:
        """Stop watching."""
        if self._receiving is not None:
            self._receiving.cancel()

    def _may_receive(self) -> bool:
        return not self._received or not self._received[-1].get("more_body", False)
