"""One timer for many waits of the same length."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class SharedTimer(Generic[T]):
    """Calls a function for each item that stays for a time.

    A request that is answered in time needs no timer of the event loop, which takes longer to make
    and to cancel than an entry here.

    Args:
        seconds: The time.
        on_time: Called with the item, which has been removed.
    """

    def __init__(self, seconds: float, on_time: Callable[[T], None]) -> None:
        self._seconds = seconds
        self._on_time = on_time
        # In the order of time, because the time is the same for all.
        self._ends: dict[T, float] = {}
        self._has_timer = False

    def add(self, item: T) -> float:
        """Add an item; when its time ends, on the event loop's clock."""
        loop = asyncio.get_running_loop()
        end = self._ends[item] = loop.time() + self._seconds
        if not self._has_timer:
            self._has_timer = True
            loop.call_at(end, self._look, loop)
        return end

    def discard(self, item: T) -> None:
        """Remove an item, if it is still there."""
        self._ends.pop(item, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        due = []
        next_end = None
        for item, end in self._ends.items():
            if end > now:
                next_end = end
                break
            due.append(item)
        for item in due:
            del self._ends[item]
        self._has_timer = next_end is not None
        if next_end is not None:
            loop.call_at(next_end, self._look, loop)
        for item in due:
            self._on_time(item)
