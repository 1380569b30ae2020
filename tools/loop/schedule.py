"""When everything happens in the simulation. Months have four weeks, which begin on a Monday."""

from datetime import date, timedelta
from typing import Final

__all__ = [
    "ALL_KNOWN",
    "CHALLENGE",
    "DRIFT",
    "END",
    "FIRST",
    "PROMOTION",
    "REPORTS",
    "TRUTH_AFTER",
    "WEEK",
    "WEEKS",
    "WINDOW",
]

WEEK: Final = timedelta(days=7)
WEEKS: Final = 12

FIRST: Final = date(2026, 1, 5)
DRIFT: Final = FIRST + 4 * WEEK
CHALLENGE: Final = FIRST + 8 * WEEK
PROMOTION: Final = FIRST + 10 * WEEK
END: Final = FIRST + 12 * WEEK
"""The day after the last one."""

TRUTH_AFTER: Final = timedelta(days=10)
"""How long after its prediction an outcome is known."""

WINDOW: Final = timedelta(days=14)
"""The days of a report: those before it, but not before the model in use."""

REPORTS: Final = tuple(FIRST + number * WEEK for number in range(1, WEEKS + 1))
ALL_KNOWN: Final = END + TRUTH_AFTER
"""The day on which the last outcomes are known."""
