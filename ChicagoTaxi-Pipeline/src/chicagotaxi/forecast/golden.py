"""Golden inputs: synthetic histories for which a sealed model must give the same outputs again."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from modelseal import Agreement, GoldenSet, Tolerance

from chicagotaxi.clock import DAY, HOUR, WEEK
from chicagotaxi.forecast.features import WINDOW
from chicagotaxi.forecast.model_files import (
    BATCH_OUTPUTS,
    MODEL_OUTPUTS,
    DemandForecaster,
    GoldenInput,
)
from chicagotaxi.history.panel import Float32Array, Panel

# Sums of floats and logarithms may differ in their last digits between processors.
_TOLERANCE: Final = Tolerance(absolute=1e-4, relative=1e-4)
# The rows of a batch are the model's forecast, rounded to four decimals.
_ROUNDED: Final = Tolerance(absolute=1e-4, relative=1e-6)

# An ordinary week, one that begins in the afternoon, Thanksgiving, Christmas and New Year, and
# the weeks in which the clock is changed.
_ORIGINS: Final = (
    "2025-06-10T00",
    "2025-08-15T17",
    "2025-11-24T00",
    "2025-12-22T05",
    "2025-03-06T00",
    "2025-11-01T11",
)
# Trips per hour: hardly any, some, many, more than ever.
_LEVELS: Final = (0.05, 2.0, 40.0, 400.0)
_UNKNOWN_AREA: Final = 0


def golden_inputs(areas: tuple[int, ...]) -> list[GoldenInput]:
    """Histories of some of a model's areas and of one that it does not know."""
    return [GoldenInput.of(panel) for panel in _panels(areas)]


def make_golden_set(forecaster: DemandForecaster) -> GoldenSet:
    """Golden inputs, and the outputs of a model in memory."""
    inputs = tuple(one.model_dump(mode="json") for one in golden_inputs(forecaster.model.areas))
    outputs = {name: tuple(values) for name, values in forecaster.replay(inputs).items()}
    return GoldenSet(
        inputs=inputs,
        outputs=outputs,
        tolerances=dict.fromkeys(outputs, _TOLERANCE),
        agreements=tuple(
            Agreement(outputs=pair, tolerance=_ROUNDED)
            for pair in zip(MODEL_OUTPUTS, BATCH_OUTPUTS, strict=True)
        ),
    )


def _panels(areas: tuple[int, ...]) -> Iterator[Panel]:
    for number, origin in enumerate(_ORIGINS):
        draw = np.random.default_rng(number)
        chosen = tuple(dict.fromkeys(np.asarray(areas)[[0, len(areas) // 2, -1]].tolist()))
        levels = np.roll(_LEVELS, number)[: len(chosen) + 1]
        end = np.datetime64(origin, "h")
        hours = end + (np.arange(WINDOW) - WINDOW) * HOUR
        trips = _draw(draw, hours, levels)
        if number == 1:
            trips[: 5 * WEEK] = np.nan  # a short history
            trips[-3 * DAY : -2 * DAY] = np.nan  # a day without data
        if number == 2:  # noqa: PLR2004
            trips[:, 0] = 0.0
            trips[:, -1] = np.nan
        yield Panel(hours[0], (*chosen, _UNKNOWN_AREA), trips)


def _draw(
    draw: np.random.Generator, hours: "np.typing.NDArray[np.datetime64]", levels: Float32Array
) -> Float32Array:
    clock = hours.astype(np.int64) % DAY
    rate = 0.2 + np.exp(-(((clock - 18) / 5.0) ** 2))
    return np.asarray(draw.poisson(rate[:, None] * levels), dtype=np.float32)
