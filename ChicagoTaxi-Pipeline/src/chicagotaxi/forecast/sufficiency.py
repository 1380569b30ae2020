"""Whether a history has enough known hours to train on, or to forecast from.

A forecast corrects the mean of the same hours of past weeks. The cases that a model is trained on
look back on two weeks at least. An hour of the week that is known in no week would have to be
guessed from the area's other hours.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from servicekit.files import DataError

from chicagotaxi.clock import WEEK
from chicagotaxi.forecast.features import WINDOW
from chicagotaxi.forecast.model import MIN_HISTORY
from chicagotaxi.history.panel import Panel
from chicagotaxi.unknown_hours import describe_stretches, unknown_stretches

LEAST_KNOWN: Final = 2 * WEEK
# Nine tenths of the 168 hours of a week.
LEAST_OF_THE_WEEK: Final = -(-9 * WEEK // 10)
LEAST_TO_TRAIN: Final = MIN_HISTORY + WEEK


def enough_to_forecast(panel: Panel, origins: Sequence[int]) -> list[int]:
    """The origins (rows of the panel) before which enough hours are known to forecast from."""
    known = panel.known
    return [origin for origin in origins if _is_enough(*_counts(known[:origin][-WINDOW:]))]


def check_to_forecast(panel: Panel) -> None:
    """Refuse a history whose last eight weeks have too few known hours to forecast from.

    Raises:
        DataError: Fewer than two weeks of its hours are known, or fewer than nine tenths of the
            hours of the week.
    """
    hours, of_the_week = _counts(panel.known[-WINDOW:])
    if not _is_enough(hours, of_the_week):
        raise DataError(
            f"Of the eight weeks before {_text(panel.end)}, {hours:,} hours are known, which are "
            f"{of_the_week} of the {WEEK} hours of a week. A forecast needs {LEAST_KNOWN} known "
            f"hours (two weeks), and {LEAST_OF_THE_WEEK} of a week. Run `etl` on the trips of "
            f"these weeks.{_unknown(panel)}"
        )


def check_to_train(panel: Panel) -> None:
    """Refuse a history with too few known hours to train on.

    Raises:
        DataError: Fewer than five weeks of its hours are known, or fewer than nine tenths of the
            hours of the week.
    """
    hours, of_the_week = _counts(panel.known)
    if hours < LEAST_TO_TRAIN or of_the_week < LEAST_OF_THE_WEEK:
        raise DataError(
            f"The history has {hours:,} known hours from {_text(panel.start)} on, which are "
            f"{of_the_week} of the {WEEK} hours of a week; training needs {LEAST_TO_TRAIN} (five "
            f"weeks), and {LEAST_OF_THE_WEEK} of a week. Run `etl` on more trips."
            f"{_unknown(panel)}"
        )


def notice_unknown_hours(panel: Panel, notice: Callable[[str], None]) -> None:
    """Send a message about the unknown hours of a history, if any."""
    if text := _unknown(panel):
        notice(f"Of the history,{text} They are left out; nothing is learned from them.")


def _unknown(panel: Panel) -> str:
    stretches = unknown_stretches(panel.hours[panel.known])
    return f" {describe_stretches(stretches)}" if stretches else ""


def _counts(known: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Number of known hours, and number of a week's hours among them."""
    padded = np.zeros(-(-len(known) // WEEK) * WEEK, dtype=np.bool_)
    padded[: len(known)] = known
    return int(known.sum()), int(padded.reshape(-1, WEEK).any(axis=0).sum())


def _is_enough(hours: int, of_the_week: int) -> bool:
    return hours >= LEAST_KNOWN and of_the_week >= LEAST_OF_THE_WEEK


def _text(hour: np.datetime64) -> str:
    return str(hour.astype("datetime64[m]")).replace("T", " ")
