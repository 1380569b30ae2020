"""Standard errors of a back-test's figures: how much another year's weeks might change them.

Hours of one day share its weather and events, so that the sample is one of days and not of hours.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from chicagotaxi.history.panel import Float32Array

Sums = npt.NDArray[np.float64]
"""Days x columns: sums over the hours and areas of each day."""


def sums_by_day(dates: npt.NDArray[np.int64], *columns: Float32Array) -> Sums:
    """Sums of columns over each day, and the numbers of values.

    Returns:
        A row for each day that occurs, a column for each of the columns, and the counts last.
    """
    _, places = np.unique(dates, return_inverse=True)
    sums = [np.bincount(places, weights=column.astype(np.float64)) for column in columns]
    return np.stack([*sums, np.bincount(places).astype(np.float64)], axis=1)


def standard_error(sums: Sums, figure: Callable[[Sums], float]) -> float | None:
    """The standard error of a figure by the jackknife, which leaves out one day at a time.

    Returns:
        The standard error; None for fewer than two days.
    """
    days = len(sums)
    if days < 2:  # noqa: PLR2004
        return None
    without = np.array([figure(rest) for rest in sums.sum(axis=0) - sums])
    return float(np.sqrt((days - 1) / days * ((without - without.mean()) ** 2).sum()))
