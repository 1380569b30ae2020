"""A semaphore with a queue for quick callers and one for the others."""

import asyncio
import bisect
from operator import itemgetter
from typing import Final

_Waiter = tuple[int, "asyncio.Future[None]"]
_NUMBER: Final = itemgetter(0)


class FairSemaphore:
    """A semaphore with two queues, each served in the order of its numbers.

    If both queues wait, the semaphore is given to the quick one and to the other alternately.

    Args:
        size: The most holders.

    Attributes:
        size: The most holders.
        busy: Number of holders.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.busy = 0
        self._quick: list[_Waiter] = []
        self._others: list[_Waiter] = []
        self._quick_was_last = False

    @property
    def quick_waits(self) -> bool:
        """Whether the quick queue has waiters."""
        return bool(self._quick)

    async def acquire(self, number: int, *, quick: bool) -> None:
        """Wait in a queue, and acquire the semaphore.

        Args:
            number: The position in the queue: after lower numbers.
            quick: Whether to wait in the quick queue.
        """
        if self.busy < self.size:
            self.busy += 1
            self._quick_was_last = quick
            return
        queue = self._quick if quick else self._others
        waiter = number, asyncio.get_running_loop().create_future()
        bisect.insort(queue, waiter, key=_NUMBER)
        try:
            await waiter[1]
        except asyncio.CancelledError:
            if not waiter[1].cancelled():
                self.release()  # acquired in the same moment
            elif waiter in queue:
                queue.remove(waiter)
            raise

    def release(self) -> None:
        """Release the semaphore to the first waiter of a queue, if there is one."""
        queues = [self._quick, self._others]
        if self._quick_was_last:
            queues.reverse()
        for queue in queues:
            while queue:
                _, acquired = queue.pop(0)
                # A cancelled task leaves the queue only when it runs next.
                if not acquired.cancelled():
                    self._quick_was_last = queue is self._quick
                    acquired.set_result(None)
                    return
        self.busy -= 1
