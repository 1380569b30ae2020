"""The weekly profile, and the error of its last week."""

import numpy as np
import pytest
from chicagotaxi.clock import WEEK
from chicagotaxi.forecast.features import Window
from chicagotaxi.forecast.weekly_profile import change, error_scale, recent_profile
from chicagotaxi.history.panel import Float32Array
from hypothesis import given, settings
from hypothesis import strategies as st


def window(weeks: Float32Array) -> Window:
    return Window(np.datetime64("2025-03-03T00", "h"), weeks.astype(np.float32))


def noisy(seed: int, level: float = 20.0, areas: int = 3) -> Float32Array:
    random = np.random.default_rng(seed)
    return random.poisson(level, (8, WEEK, areas)).astype(np.float32)


def test_equal_weeks_are_expected_again_except_for_the_neighbours_part() -> None:
    week = np.zeros((WEEK, 1), np.float32)
    week[50] = 10
    mean = recent_profile(window(np.tile(week, (8, 1, 1)))).mean
    assert mean[49:52, 0] == pytest.approx([1, 8, 1], rel=1e-5)
    assert mean.sum() == pytest.approx(10, rel=1e-5)


def test_a_week_weighs_less_than_the_week_after_it() -> None:
    weeks = np.zeros((8, WEEK, 2), np.float32)
    weeks[-1, :, 0] = 1
    weeks[-2, :, 1] = 1
    mean = recent_profile(window(weeks)).mean[0]
    assert mean[1] == pytest.approx(0.85 * mean[0], rel=1e-5)
    assert mean[0] == pytest.approx(1 / sum(0.85**week for week in range(8)), rel=1e-5)


def test_unknown_hours_are_not_zeros() -> None:
    weeks = np.full((8, WEEK, 1), 6, np.float32)
    weeks[2:5, 10] = np.nan
    weeks[:, 100] = np.nan
    mean = recent_profile(window(weeks)).mean[:, 0]
    assert np.isnan(mean[100])
    assert np.delete(mean, 100) == pytest.approx(6, rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_whatever_is_unknown_a_change_is_a_bounded_number(seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    weeks = noisy(seed % 100, level=float(random.uniform(0, 50)))
    weeks[random.random(weeks.shape) < share] = np.nan
    lately = recent_profile(window(weeks)).lately
    assert lately.shape == (3,)
    for usual in (np.float32(0.8), np.nan, 0.0):
        found = change(lately, np.full(3, usual, np.float32))
        assert found.dtype == np.float32
        assert ((found >= 0.5) & (found <= 4)).all()


@pytest.mark.parametrize("known", [2, 3, 8])
def test_errors_of_last_weeks_do_not_depend_on_how_many_weeks_are_known(known: int) -> None:
    some = [noisy(seed) for seed in range(40)]
    for weeks in some:
        weeks[: 8 - known] = np.nan
    lately = np.stack([recent_profile(window(weeks)).lately for weeks in some])
    # The mean distance of a normal variable, whose scale here is partly the relative part.
    poisson = (2 / np.pi) ** 0.5 * (20 / (20.25 + 25)) ** 0.5
    assert lately.mean() == pytest.approx(poisson, rel=0.04)


def test_a_last_week_that_varies_more_is_a_change_of_its_area() -> None:
    weeks = noisy(1)
    usual = recent_profile(window(weeks)).lately
    weeks[-1, :, 1] = np.random.default_rng(2).poisson(20 * np.repeat([0.2, 1.8], WEEK // 2))
    found = change(recent_profile(window(weeks)).lately, usual)
    assert found[1] > 2
    # The others share a part of it.
    assert found[[0, 2]] == pytest.approx(1.4, abs=0.3)


def test_a_change_lasts_as_long_as_it_is_compared_with_what_was_usual() -> None:
    usual = recent_profile(window(noisy(1))).lately
    wild = np.random.default_rng(2).poisson(20, (8, WEEK, 3)) * np.random.default_rng(3).gamma(
        4, 0.25, (8, WEEK, 3)
    )
    assert change(recent_profile(window(wild.astype(np.float32))).lately, usual).min() > 1.5


@pytest.mark.parametrize("known", [0, 1])
def test_one_week_or_none_gives_no_change(known: int) -> None:
    weeks = noisy(1)
    weeks[: 8 - known] = np.nan
    lately = recent_profile(window(weeks)).lately
    assert np.isnan(lately).all()
    assert change(lately, np.ones(3, np.float32)).tolist() == [1, 1, 1]


def test_areas_without_trips_have_no_change() -> None:
    assert np.isnan(recent_profile(window(np.zeros((8, WEEK, 2), np.float32))).lately).all()


def test_the_scale_of_errors_is_a_root_and_then_a_share() -> None:
    scale = error_scale(np.array([0, 0.75, 1e4], np.float32))
    assert scale == pytest.approx([0.5, (1 + 0.1875**2) ** 0.5, 2502], rel=1e-3)
    assert error_scale(np.array([0.75], np.float32), 0.0) == pytest.approx([1.0])
