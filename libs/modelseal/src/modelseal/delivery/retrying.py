"""Retries with exponential back-off while a bucket does not answer."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from modelseal.errors import UnreachableError

__all__ = ["PATIENCE_S", "Retrier"]

PATIENCE_S = 180.0

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0

T = TypeVar("T")


class Retrier:
    """Retries while a bucket does not answer, up to a limit of time without progress.

    Args:
        limit_s: Longest time in seconds without progress.
        say: Called with a message before each pause.
    """

    def __init__(self, limit_s: float, say: Callable[[str], None]) -> None:
        self._limit_s = limit_s
        self._say = say
        self._pause_s = _FIRST_PAUSE_S
        self._since = time.monotonic()

    def progressed(self) -> None:
        """Reset the limit, because data arrived."""
        self._pause_s = _FIRST_PAUSE_S
        self._since = time.monotonic()

    def retry(self, action: Callable[[], T]) -> T:
        """Call an action, again while it raises UnreachableError.

        Raises:
            UnreachableError: It still failed when the limit was reached.
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
        # Random, so that the pods of a roll-out do not retry all at once.
        pause = min(left, random.uniform(self._pause_s / 2, self._pause_s))  # noqa: S311 - no secret
        self._say(f"{error.message} Trying again in {pause:.1f} s.")
        time.sleep(pause)
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
