"""A limit on concurrent requests."""

import asyncio
import contextlib
from collections import deque
from typing import Final, TypeAlias

# An endpoint that never awaits runs as one step of the event loop. If all waiting requests began in
# one turn of the loop, a probe that arrives next would wait for all of them.
STARTS_PER_TURN: Final = 16

Place: TypeAlias = "asyncio.Future[Place | None]"
"""A place in the queue, done with None once the request is admitted."""


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
        self._waiting: deque[Place] = deque()

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

    def enqueue(self) -> "Place | None":
        """Add a request to the queue.

        Returns:
            Its place, or None if the queue is full. A caller that stops waiting passes the place to
            `cancel`; one whose task is cancelled while it awaits the place does so, too.
        """
        if self.active + len(self._waiting) >= self._limit + self._queue:
            return None
        place: Place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        return place

    def wake(self, place: "Place") -> None:
        """Wake who awaits a place, unless the request is admitted already.

        The result of the place is then another future for the same place, to wait on.
        """
        if place.done():
            return
        same: Place = asyncio.get_running_loop().create_future()
        self._waiting[self._waiting.index(place)] = same
        place.set_result(same)

    def cancel(self, place: "Place") -> None:
        """Remove a request from the queue, or release it if it was admitted at that moment."""
        if place.cancelled() or not place.done():
            with contextlib.suppress(ValueError):  # its turn has come meanwhile
                self._waiting.remove(place)
        elif (same := place.result()) is not None:
            self.cancel(same)
        else:
            self.release()

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
            first = self._waiting.popleft()
            if not first.cancelled():
                first.set_result(None)
                self._admit()

    def _begin_turn(self) -> None:
        self._turn_scheduled = False
        self._starts_left = self._starts_per_turn
        self._admit_waiting()
