"""How far a figure of a back-test may be from what another year's weeks would have given.

Hours of one day share its weather and events, so days and not hours are what is sampled.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from chicagotaxi.history.panel import Floats

Sums = npt.NDArray[np.float64]
"""Days x columns: sums over the hours and areas of each day."""


def sums_by_day(dates: npt.NDArray[np.int64], *columns: Floats) -> Sums:
    """Sums of some columns over each day, and at last how many values these are of.

    Args:
        dates: The day that each value is of, as a number.
        columns: Values, of the length of the dates.

    Returns:
        One row for each day that occurs, one column for each of the columns, and the counts.
    """
    _, places = np.unique(dates, return_inverse=True)
    sums = [np.bincount(places, weights=column.astype(np.float64)) for column in columns]
    return np.stack([*sums, np.bincount(places).astype(np.float64)], axis=1)


def standard_error(sums: Sums, figure: Callable[[Sums], float]) -> float | None:
    """The standard error of a figure by the jackknife, which leaves out one day at a time.

    Args:
        sums: Sums by day.
        figure: Makes the figure of the sums over all days, such as one column over another.

    Returns:
        The standard error; None of fewer than two days.
    """
    days = len(sums)
    if days < 2:  # noqa: PLR2004
        return None
    without = np.array([figure(rest) for rest in sums.sum(axis=0) - sums])
    return float(np.sqrt((days - 1) / days * ((without - without.mean()) ** 2).sum()))
