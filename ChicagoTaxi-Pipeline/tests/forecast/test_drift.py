"""Intervals of a model that was sealed before the city changed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pytest
from chicagotaxi.clock import DAY, WEEK
from chicagotaxi.forecast.features import HORIZON
from chicagotaxi.forecast.intervals import Intervals
from chicagotaxi.forecast.model import ForecastModel, ForecastOptions, fit
from chicagotaxi.history.panel import Float32Array, Panel
from synthetic import hourly

TRAINED: Final = 12 * WEEK
WEEKS_AFTER: Final = 8


@dataclass(frozen=True)
class Drifting:
    """A model, and the history that it was trained on with eight weeks more."""

    model: ForecastModel
    panel: Panel

    def after(self, change: Callable[[Float32Array, np.random.Generator], Float32Array]) -> Panel:
        """The history, in which the weeks after the training are changed."""
        trips = self.panel.trips.copy()
        trips[TRAINED:] = change(trips[TRAINED:], np.random.default_rng(7))
        return replace(self.panel, trips=trips)

    def covered(self, panel: Panel, model: ForecastModel | None = None) -> float:
        """Share of truths inside, from origins two weeks after the training on."""
        inside = []
        for origin in range(TRAINED + 2 * WEEK, len(panel.trips) - HORIZON + 1, 3 * DAY + 5):
            forecast = (model or self.model).predict(panel, origin)
            truth = panel.trips[origin : origin + HORIZON]
            inside.append((truth >= forecast.lower) & (truth <= forecast.upper))
        return float(np.mean(inside))


@pytest.fixture(scope="module")
def drifting() -> Drifting:
    levels = {8: 40.0, 32: 25.0, 76: 12.0, 28: 18.0}
    panel = Panel.from_frame(hourly(days=(TRAINED // WEEK + WEEKS_AFTER) * 7, levels=levels))
    options = ForecastOptions(seed=3, rows=20_000, trees=30)
    return Drifting(fit(panel.until(TRAINED), options), panel)


def noisier(trips: Float32Array, random: np.random.Generator) -> Float32Array:
    """Each hour of the city by itself is up to a few times what it would have been."""
    return trips * random.gamma(4, 1 / 4, trips.shape).astype(np.float32)


def higher(trips: Float32Array, _random: np.random.Generator) -> Float32Array:
    return trips * np.float32(1.7)


def test_where_nothing_changes_intervals_hold(drifting: Drifting) -> None:
    assert 0.87 <= drifting.covered(drifting.panel) <= 0.94


def test_after_a_shift_of_scale_intervals_widen_without_a_new_training(
    drifting: Drifting, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = drifting.after(noisier)
    assert 0.85 <= drifting.covered(panel) <= 0.95
    around = Intervals.around
    monkeypatch.setattr(
        Intervals,
        "around",
        lambda self, expected, days, change, holiday: around(
            self, expected, days, np.ones_like(change), holiday
        ),
    )
    # The widths of the training alone do not hold.
    assert drifting.covered(panel) < 0.75


def test_after_a_shift_of_level_intervals_hold(drifting: Drifting) -> None:
    assert 0.85 <= drifting.covered(drifting.after(higher)) <= 0.97
