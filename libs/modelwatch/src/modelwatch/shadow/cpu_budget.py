"""Bounds the CPU time of a process to a share of one core."""

from typing import Final

__all__ = ["CpuBudget"]

_SAVED_S: Final = 1.0
"""Seconds of the share that a process may save up while it is idle."""


class CpuBudget:
    """Tells whether a process may run.

    Args:
        share: CPU time for each second.
        now: The time, in seconds.
    """

    def __init__(self, share: float, now: float) -> None:
        self._share = share
        self._left = share * _SAVED_S
        self._now = now
        self._used = 0.0

    def allows(self, used: float, now: float) -> bool:
        """Whether the process may run until the next call.

        Args:
            used: CPU time of the process so far, in seconds.
            now: The time, in seconds.
        """
        self._left += self._share * (now - self._now) - (used - self._used)
        self._left = min(self._left, self._share * _SAVED_S)
        self._now, self._used = now, used
        return self._left >= 0
