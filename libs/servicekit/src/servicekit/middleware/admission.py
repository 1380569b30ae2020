"""A bound on how many requests are worked on, and on how many wait."""

import asyncio
import math
from collections import deque
from collections.abc import Collection
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from servicekit.errors import ClientDisconnectedError, OverloadedError

__all__ = ["AdmissionMiddleware", "Gate"]


# An endpoint that never awaits runs as one step of the event loop. Were all that have arrived begun
# in one turn of the loop, a probe that arrives next would wait for all of them.
STARTS_PER_TURN = 8

# Short waits are the rule under load, and not worth a task that listens for a departure.
LISTEN_AFTER_S = 0.1


class Gate:
    """Places for requests, and a queue for those that find none. First come, first served.

    A few requests begin in each turn of the event loop, and the loop looks at its connections in
    between: however many requests there are, a probe waits for a few only.

    Attributes:
        active: How many hold a place.

    Args:
        places: How many may hold one.
        queue: How many may be there beyond that.
        starts_per_turn: How many begin in one turn of the event loop.
    """

    def __init__(self, *, places: int, queue: int, starts_per_turn: int = STARTS_PER_TURN) -> None:
        self.active = 0
        self._places = places
        self._queue = queue
        self._starts_per_turn = starts_per_turn
        self._starts_left = starts_per_turn
        self._turn_scheduled = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def queued(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def try_enter(self) -> bool:
        """Take a place if one is free, its turn is now, and nobody waits for it."""
        if self._waiting or not self._may_admit():
            return False
        self._admit()
        return True

    def queue_up(self) -> "asyncio.Future[None] | None":
        """Join the queue.

        Returns:
            A future that is done once a place is held, or None if the queue is full. Whoever
            stops waiting for it hands it to `abandon`.
        """
        if self.active + len(self._waiting) >= self._places + self._queue:
            return None
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        return turn

    def abandon(self, turn: "asyncio.Future[None]") -> None:
        """Leave the queue, or give the place back that was won in the same moment."""
        if turn.done():
            self.leave()
        else:
            self._waiting.remove(turn)

    def leave(self) -> None:
        """Give a place back: to the first who waits, if any."""
        self.active -= 1
        self._admit_waiting()

    def _may_admit(self) -> bool:
        return self.active < self._places and self._starts_left > 0

    def _admit(self) -> None:
        self.active += 1
        self._starts_left -= 1
        if not self._turn_scheduled:
            self._turn_scheduled = True
            asyncio.get_running_loop().call_soon(self._begin_turn)

    def _admit_waiting(self) -> None:
        while self._waiting and self._may_admit():
            self._waiting.popleft().set_result(None)
            self._admit()

    def _begin_turn(self) -> None:
        self._turn_scheduled = False
        self._starts_left = self._starts_per_turn
        self._admit_waiting()


class AdmissionMiddleware:
    """Holds a place at the gate for as long as a request is worked on.

    Args:
        app: The application.
        gate: The places.
        queue_timeout_s: The longest wait for one.
        exempt: Paths that need no place, so that probes are answered however busy the service is.
    """

    def __init__(
        self, app: ASGIApp, *, gate: Gate, queue_timeout_s: float, exempt: Collection[str]
    ) -> None:
        self._app = app
        self._gate = gate
        self._queue_timeout_s = queue_timeout_s
        self._exempt = frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
            return
        if self._gate.try_enter():
            try:
                await self._app(scope, receive, send)
            finally:
                self._gate.leave()
            return
        listener = _Listener(receive)
        try:
            await self._wait(listener)
            try:
                await self._app(scope, listener.receive, send)
            finally:
                self._gate.leave()
        finally:
            listener.close()

    async def _wait(self, listener: "_Listener") -> None:
        """Wait for a place, unless the client leaves first."""
        turn = self._gate.queue_up()
        if turn is None:
            raise self._overloaded("Too many requests are waiting.")
        try:
            async with asyncio.timeout(self._queue_timeout_s):
                await listener.wait_for(turn)
        except BaseException as error:
            self._gate.abandon(turn)
            if isinstance(error, TimeoutError):
                raise self._overloaded("No place became free in time.") from error
            raise

    def _overloaded(self, detail: str) -> OverloadedError:
        return OverloadedError(
            f"{detail} Try again later, or send fewer requests at once.",
            retry_after_s=max(1, math.ceil(self._queue_timeout_s)),
        )


class _Listener:
    """Listens for the client's departure, and keeps what it hears for the application.

    It reads one message at most before the request has its place, two once the first says that
    the body is complete: an unread body stays where it is, with the server or the client.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._heard: list[Message] = []
        self._listening: asyncio.Future[Message] | None = None

    async def wait_for(self, turn: "asyncio.Future[None]") -> None:
        """Wait until a place is held; raise if the client disconnects before."""
        await asyncio.wait([turn], timeout=LISTEN_AFTER_S)
        while not turn.done():
            if self._listening is None and self._may_listen():
                self._listening = asyncio.ensure_future(self._receive())
            waits: list[asyncio.Future[Any]] = [turn]
            if self._listening is not None:
                waits.append(self._listening)
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if self._listening is not None and self._listening.done():
                message = self._listening.result()
                self._listening = None
                self._heard.append(message)
                if message["type"] == "http.disconnect":
                    raise ClientDisconnectedError

    async def receive(self) -> Message:
        """Receive what was heard, then what comes."""
        if self._heard:
            return self._heard.pop(0)
        if self._listening is not None:
            listening, self._listening = self._listening, None
            return await listening
        return await self._receive()

    def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()

    def _may_listen(self) -> bool:
        return not self._heard or not self._heard[-1].get("more_body", False)
