"""Admits requests as a `ConcurrencyLimiter` allows."""

import asyncio
import math
from collections.abc import Collection
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.concurrency_limiter import ConcurrencyLimiter
from servicekit.errors import ClientDisconnectedError, OverloadedError

# Short waits are common under load, and not worth a task that watches for a disconnect.
WATCH_AFTER_S: Final = 0.1


class AdmissionMiddleware:
    """Admits each request, or refuses it with 503.

    Args:
        app: The application.
        limiter: The limit on concurrent requests.
        queue_timeout_s: The longest wait in the queue.
        exempt: Paths that are always admitted, so that probes are answered however busy the
            service is.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limiter: ConcurrencyLimiter,
        queue_timeout_s: float,
        exempt: Collection[str],
    ) -> None:
        self._app = app
        self._limiter = limiter
        self._queue_timeout_s = queue_timeout_s
        self._exempt = frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
            return
        if self._limiter.try_acquire():
            try:
                await self._app(scope, receive, send)
            finally:
                self._limiter.release()
            return
        watcher = _DisconnectWatcher(receive)
        try:
            await self._wait(watcher)
            try:
                await self._app(scope, watcher.receive, send)
            finally:
                self._limiter.release()
        finally:
            watcher.close()

    async def _wait(self, watcher: "_DisconnectWatcher") -> None:
        """Wait until the request is admitted."""
        admitted = self._limiter.enqueue()
        if admitted is None:
            raise self._overloaded("Too many requests are waiting.")
        try:
            async with asyncio.timeout(self._queue_timeout_s):
                await watcher.wait_for(admitted)
        except BaseException as error:
            self._limiter.cancel(admitted)
            if isinstance(error, TimeoutError):
                raise self._overloaded("The wait in the queue was too long.") from error
            raise

    def _overloaded(self, detail: str) -> OverloadedError:
        return OverloadedError(
            f"{detail} Try again later, or send fewer requests at once.",
            retry_after_s=max(1, math.ceil(self._queue_timeout_s)),
        )


class _DisconnectWatcher:
    """Notices that a client disconnects while its request waits, and keeps the messages it reads.

    It reads at most one message before the request is admitted, or two if the first completes the
    body: an unread body stays with the server or the client.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._received: list[Message] = []
        self._receiving: asyncio.Future[Message] | None = None

    async def wait_for(self, admitted: "asyncio.Future[None]") -> None:
        """Wait until the request is admitted.

        Raises:
            ClientDisconnectedError: The client disconnected before.
        """
        await asyncio.wait([admitted], timeout=WATCH_AFTER_S)
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
