"""Retries with exponential back-off while a bucket does not answer."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from modelseal.errors import UnreachableError

__all__ = ["STALL_TIMEOUT_S", "retry"]

STALL_TIMEOUT_S = 180.0

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0

T = TypeVar("T")


def retry(action: Callable[[], T], *, stall_timeout_s: float, report: Callable[[str], None]) -> T:
    """Call an action, and call it again while it raises UnreachableError.

    Args:
        action: One request.
        stall_timeout_s: Longest time without a success, in seconds.
        report: Called with one line of text before each pause.

    Raises:
        UnreachableError: The action still failed after `stall_timeout_s`.
    """
    deadline = time.monotonic() + stall_timeout_s
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return action()
        except UnreachableError as error:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise UnreachableError(
                    f"{error.message} No progress for {stall_timeout_s:.0f} s.",
                    remedy=error.remedy,
                ) from error
            # Random, so that the pods of a roll-out do not retry all at once.
            pause = min(left_s, random.uniform(pause_s / 2, pause_s))  # noqa: S311 - no secret
            report(f"{error.message} Trying again in {pause:.1f} s.")
            time.sleep(pause)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
