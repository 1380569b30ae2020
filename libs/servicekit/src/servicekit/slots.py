"""Who is next for one of a few threads."""

import asyncio
import bisect
from operator import itemgetter
from typing import Final

__all__ = ["Slots"]

_Turn = tuple[int, "asyncio.Future[None]"]
_NUMBER: Final = itemgetter(0)


class Slots:
    """A few slots, and two lines of those who wait for one: first come, first served in each.

    Where both lines wait, the quick one and the other get a slot in turn.

    Args:
        size: How many there are.

    Attributes:
        size: The same.
        busy: How many are taken.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.busy = 0
        self._quick: list[_Turn] = []
        self._others: list[_Turn] = []
        self._quick_was_last = False

    @property
    def quick_waits(self) -> bool:
        """Whether anyone is in the quick line."""
        return bool(self._quick)

    async def take(self, number: int, *, quick: bool) -> None:
        """Wait for a slot, and take it.

        Args:
            number: The place in the line: after those with lower numbers.
            quick: Whether it is to be that of the quick ones.
        """
        if self.busy < self.size:
            self.busy += 1
            self._quick_was_last = quick
            return
        line = self._quick if quick else self._others
        turn = number, asyncio.get_running_loop().create_future()
        bisect.insort(line, turn, key=_NUMBER)
        try:
            await turn[1]
        except asyncio.CancelledError:
            if not turn[1].cancelled():
                self.give_back()  # won in the same moment
            elif turn in line:
                line.remove(turn)
            raise

    def give_back(self) -> None:
        """Give a slot back: to the first of a line, if anyone waits."""
        lines = [self._quick, self._others]
        if self._quick_was_last:
            lines.reverse()
        for line in lines:
            while line:
                _, won = line.pop(0)
                # A cancelled task leaves the line only when it runs next.
                if not won.cancelled():
                    self._quick_was_last = line is self._quick
                    won.set_result(None)
                    return
        self.busy -= 1
