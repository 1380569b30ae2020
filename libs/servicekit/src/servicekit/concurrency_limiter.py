"""A limit on concurrent requests."""

import asyncio
from collections import deque
from typing import Final

# An endpoint that never awaits runs as one step of the event loop. If all waiting requests began in
# one turn of the loop, a probe that arrives next would wait for all of them.
STARTS_PER_TURN: Final = 8


class ConcurrencyLimiter:
    """Limits concurrent requests; excess requests queue in order of arrival.

    Only a few requests begin in each turn of the event loop, and the loop looks at its connections
    in between. So a probe waits for a few requests, however many there are.

    Args:
        limit: The most requests that are worked on at once.
        queue: The most requests that wait.
        starts_per_turn: The most requests that begin in one turn of the event loop.

    Attributes:
        active: Number of requests that are worked on.
    """

    def __init__(self, *, limit: int, queue: int, starts_per_turn: int = STARTS_PER_TURN) -> None:
        self.active = 0
        self._limit = limit
        self._queue = queue
        self._starts_per_turn = starts_per_turn
        self._starts_left = starts_per_turn
        self._turn_scheduled = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def queued(self) -> int:
        """Number of requests that wait."""
        return len(self._waiting)

    def try_acquire(self) -> bool:
        """Admit a request at once, if the limit allows it and no other request waits."""
        if self._waiting or not self._may_admit():
            return False
        self._admit()
        return True

    def enqueue(self) -> "asyncio.Future[None] | None":
        """Add a request to the queue.

        Returns:
            A future that is done once the request is admitted, or None if the queue is full. A
            caller that stops waiting passes it to `cancel`.
        """
        if self.active + len(self._waiting) >= self._limit + self._queue:
            return None
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(admitted)
        return admitted

    def cancel(self, admitted: "asyncio.Future[None]") -> None:
        """Remove a request from the queue, or release it if it was admitted at that moment."""
        if admitted.done():
            self.release()
        else:
            self._waiting.remove(admitted)

    def release(self) -> None:
        """End a request, and admit the first that waits."""
        self.active -= 1
        self._admit_waiting()

    def _may_admit(self) -> bool:
        return self.active < self._limit and self._starts_left > 0

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
