"""The rule for hours without data: more than 8 hours without any trip in the city are unknown.

A day that a source lacks and a day without trips look alike: both have no rows. The rule is about
the trips of all areas together. The longest time without any trip in real counts (two months by
census tract, 130 trips an hour, 3 at four in the morning) is 7 hours, and 8 if only a tenth of
these trips is kept. All trips of the city have no hour without one: the least of a real day's hours
has 36. Hours between two trips are therefore known if there are at most 8, and unknown if there are
more. Samples of less than about ten trips an hour have longer nights, whose hours are then unknown.

A month is known from its first and to its last hour if at most 4 hours there have no trips. The
longest known time without a trip is then the same across two months as within one, although each
month is computed from its own trips only.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from chicagotaxi.clock import HOUR, Hours, as_datetime, hours_between, is_skipped
from chicagotaxi.schema import UnknownStretch

LONGEST_QUIET: Final = 8

# Largest number of stretches in a status, and in a message.
_NAMED: Final = 50
_SHOWN: Final = 3


def quiet_too_long(hours: Hours, totals: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Whether each hour is in a stretch without a trip that is too long to be known.

    Args:
        hours: Consecutive hours, with or without the one that the clock skips.
        totals: The city's trips in each hour; NaN if unknown, which ends a stretch.
    """
    shown = ~is_skipped(hours)
    idle = np.concatenate([[False], np.asarray(totals)[shown] == 0, [False]])
    ends = np.flatnonzero(idle[1:] != idle[:-1]).reshape(-1, 2)
    too_long = np.zeros(len(idle) - 2, dtype=np.bool_)
    for begin, end in ends[(ends[:, 1] - ends[:, 0]) > LONGEST_QUIET]:
        too_long[begin:end] = True
    found = np.zeros(len(hours), dtype=np.bool_)
    found[shown] = too_long
    return found


def unknown_stretches(known: Hours) -> list[UnknownStretch]:
    """The stretches of hours that are missing between the first and the last that is known.

    Args:
        known: Hours, ascending. The one that the clock skips is not missing.
    """
    hours = known.astype("datetime64[h]")
    found = []
    for place in np.flatnonzero(np.diff(hours) > HOUR):
        missing = hours_between(hours[place] + HOUR, hours[place + 1])
        if len(missing):
            found.append(
                UnknownStretch(
                    first=as_datetime(missing[0]), last=as_datetime(missing[-1]), hours=len(missing)
                )
            )
    return found


def longest_stretches(stretches: Sequence[UnknownStretch]) -> list[UnknownStretch]:
    """The longest stretches in the order of time, at most 50."""
    longest = sorted(stretches, key=lambda one: -one.hours)[:_NAMED]
    return sorted(longest, key=lambda one: one.first)


def describe_stretches(stretches: Sequence[UnknownStretch]) -> str:
    """A sentence on unknown hours: their number, the longest stretches, and how many others."""
    longest = sorted(stretches, key=lambda one: -one.hours)[:_SHOWN]
    total = sum(one.hours for one in stretches)
    named = "; ".join(
        f"{one.first:%Y-%m-%d %H:%M} to {one.last:%Y-%m-%d %H:%M} ({one.hours:,} h)"
        for one in sorted(longest, key=lambda one: one.first)
    )
    others = len(stretches) - len(longest)
    more = f"; and {others:,} shorter stretches" if others else ""
    hours = "1 hour is" if total == 1 else f"{total:,} hours are"
    return f"{hours} unknown: {named}{more}."
