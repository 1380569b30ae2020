"""Baselines: forecasts without a model, which a model must improve on."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from chicagotaxi.forecast.features import Window
from chicagotaxi.history.panel import Float32Array

SEASONAL_NAIVE: Final = "seasonal_naive"
FOUR_WEEKS: Final = "mean_of_4_weeks"
BASELINES: Final = (SEASONAL_NAIVE, FOUR_WEEKS)


def baselines(window: Window) -> Mapping[str, Float32Array]:
    """The baselines' forecasts of the week that begins at a window's origin, hours x areas.

    Args:
        window: The history. The mean is of the known weeks, NaN if none is known.
    """
    weeks = window.weeks[-4:]
    known = np.isfinite(weeks)
    counted = known.sum(axis=0)
    total = np.where(known, weeks, np.float32(0)).sum(axis=0)
    mean = np.where(counted > 0, total / np.maximum(counted, 1), np.float32(np.nan))
    return {SEASONAL_NAIVE: weeks[-1], FOUR_WEEKS: mean.astype(np.float32)}
