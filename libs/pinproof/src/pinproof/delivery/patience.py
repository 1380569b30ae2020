"""Trying again, with growing pauses, as long as there is hope."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from pinproof.errors import UnreachableError

__all__ = ["PATIENCE_S", "Patience"]

PATIENCE_S = 180.0

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0

T = TypeVar("T")


class Patience:
    """Tries again while a bucket does not answer, until that has lasted too long.

    Args:
        limit_s: For how long nothing may move forward.
        say: Takes a line for people, for each pause.
    """

    def __init__(self, limit_s: float, say: Callable[[str], None]) -> None:
        self._limit_s = limit_s
        self._say = say
        self._pause_s = _FIRST_PAUSE_S
        self._since = time.monotonic()

    def progressed(self) -> None:
        """Something moved forward: the time that nothing may starts anew."""
        self._pause_s = _FIRST_PAUSE_S
        self._since = time.monotonic()

    def attempt(self, action: Callable[[], T]) -> T:
        """Do something, and do it again while it fails for what may pass.

        Raises:
            UnreachableError: It still failed when the time was over.
        """
        self.progressed()
        while True:
            try:
                result = action()
            except UnreachableError as error:
                self._pause(error)
            else:
                self.progressed()
                return result

    def _pause(self, error: UnreachableError) -> None:
        left = self._limit_s - (time.monotonic() - self._since)
        if left <= 0:
            raise UnreachableError(
                f"{error.message} Nothing moved for {self._limit_s:.0f} s.", remedy=error.remedy
            ) from error
        # Scattered, so that the pods of a roll-out do not come back all at once.
        pause = min(left, random.uniform(self._pause_s / 2, self._pause_s))  # noqa: S311 - no secret
        self._say(f"{error.message} Trying again in {pause:.1f} s.")
        time.sleep(pause)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
