"""The hours of Chicago's clock.

The clock skips 02:00 on the second Sunday of March: that hour does not exist. On the first Sunday
of November it shows 01:00 twice; both are one hour here, because the sources do not tell them
apart.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["hours_between", "is_skipped"]

Times = npt.NDArray[np.datetime64]

_HOUR: Final = np.timedelta64(1, "h")
_MARCH: Final = 2


def is_skipped(hours: Times) -> npt.NDArray[np.bool_]:
    """Which of these hours the clock skips in March (the rule since 2007)."""
    hours = hours.astype("datetime64[h]")
    day = hours.astype("datetime64[D]")
    march = day.astype("datetime64[M]").astype(np.int64) % 12 == _MARCH
    # Days of March are numbered from 0 here: the second Sunday is one of 7 to 13.
    number = (day - day.astype("datetime64[M]")).astype(np.int64)
    sunday = (day.astype(np.int64) + 4) % 7 == 0
    second = (number >= 7) & (number < 14)  # noqa: PLR2004
    two = (hours - day).astype(np.int64) == 2  # noqa: PLR2004
    found: npt.NDArray[np.bool_] = march & second & sunday & two
    return found


def hours_between(first: np.datetime64, end: np.datetime64) -> Times:
    """The hours that the clock shows from one time to before another."""
    hours = np.arange(first.astype("datetime64[h]"), end.astype("datetime64[h]"), _HOUR)
    kept: Times = hours[~is_skipped(hours)]
    return kept
