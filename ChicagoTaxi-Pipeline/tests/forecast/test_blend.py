"""How much the trees count, by day ahead."""

import numpy as np
import pytest
from chicagotaxi.forecast.blend import DAYS, PRIOR, Blend
from hypothesis import given, settings
from hypothesis import strategies as st


def learn(
    model_error: "np.typing.ArrayLike", profile_error: "np.typing.ArrayLike", dates: int = 56
) -> Blend:
    """Of forecasts with errors of these sizes, by day ahead."""
    random = np.random.default_rng(5)
    size = 40_000
    days = random.integers(1, 8, size)
    base = np.exp(random.normal(2, 1, size))
    model, profile = (
        base * np.exp(random.normal(0, 1, size) * np.broadcast_to(error, DAYS)[days - 1])
        for error in (model_error, profile_error)
    )
    return Blend.learn(
        model.astype(np.float32),
        profile.astype(np.float32),
        base.astype(np.float32),
        days,
        random.integers(0, dates, size),
    )


def test_the_better_forecast_gets_more_weight() -> None:
    assert np.mean(learn(0.0, 0.5).weights) > 0.8
    assert np.mean(learn(0.5, 0.0).weights) < 0.2


def test_each_day_ahead_has_its_own_weight() -> None:
    weights = learn(np.linspace(0.05, 0.8, DAYS), 0.3).weights
    assert weights[0] > 0.6
    assert weights[-1] < 0.3


def test_few_days_leave_the_weights_near_their_prior() -> None:
    def off(blend: Blend) -> float:
        return float(np.abs(np.array(blend.weights) - PRIOR).mean())

    assert off(learn(0.5, 0.3, dates=2)) < off(learn(0.5, 0.3, dates=400))
    assert off(learn(0.5, 0.3, dates=1)) < 0.1


def test_without_outcomes_the_weights_are_the_prior() -> None:
    none = np.empty(0, np.float32)
    no_days = np.empty(0, np.int64)
    assert Blend.learn(none, none, none, no_days, no_days).weights == pytest.approx(PRIOR, abs=0.05)


def test_hours_without_a_profile_are_not_learned_from() -> None:
    random = np.random.default_rng(1)
    truth = random.poisson(20, 1000).astype(np.float32)
    profile = truth.copy()
    # Where there is no profile the trees are right; elsewhere the profile is.
    model = np.where(np.arange(1000) < 900, truth, truth * 2).astype(np.float32)
    profile[:900] = np.nan
    days, dates = random.integers(1, 8, 1000), random.integers(0, 50, 1000)
    assert max(Blend.learn(model, profile, truth, days, dates).weights) < 0.2


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0, 1, width=32), min_size=DAYS, max_size=DAYS),
    st.floats(0, 1e5, width=32),
    st.floats(0, 1e5, width=32),
)
def test_a_blend_lies_between_both(weights: list[float], model: float, profile: float) -> None:
    days = np.arange(1, DAYS + 1)
    one, other = (np.full(DAYS, value, np.float32) for value in (model, profile))
    blended = Blend(weights=tuple(weights)).combine(one, other, days)
    slack = 1e-4 * (1 + max(model, profile))
    assert (blended >= 0).all()
    assert (blended >= min(model, profile) - slack).all()
    assert (blended <= max(model, profile) + slack).all()


def test_all_weight_or_none_gives_one_of_both() -> None:
    model, profile = np.array([0, 3, 40], np.float32), np.array([1, 0, 20], np.float32)
    day = np.array([1])
    assert Blend(weights=(1.0,) * 7).combine(model, profile, day) == pytest.approx(model, abs=1e-4)
    assert Blend(weights=(0.0,) * 7).combine(model, profile, day) == pytest.approx(
        profile, abs=1e-4
    )


def test_without_a_known_week_the_forecast_is_the_trees() -> None:
    model, profile = np.array([2, 2], np.float32), np.array([np.nan, 8], np.float32)
    blended = Blend(weights=(0.5,) * 7).combine(model, profile, np.array([1]))
    assert blended[0] == 2
    assert blended[1] == pytest.approx((2.25 * 8.25) ** 0.5 - 0.25, rel=1e-5)
