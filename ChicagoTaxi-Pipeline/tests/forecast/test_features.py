"""Features: lags of whole weeks by the clock, and nothing from after the origin."""

import numpy as np
import pandas as pd
import pytest
from chicagotaxi.clock import HOUR, WEEK
from chicagotaxi.forecast.baselines import FOUR_WEEKS, SEASONAL_NAIVE, baselines
from chicagotaxi.forecast.features import FEATURES, HORIZON, WINDOW, build, look_back
from chicagotaxi.history.panel import Float32Array, Panel
from hypothesis import given, settings
from hypothesis import strategies as st

CODES: Float32Array = np.arange(8, dtype=np.float32)


def feature(built: Float32Array, name: str) -> Float32Array:
    return built[:, :, FEATURES.index(name)]


@settings(max_examples=40, deadline=None)
@given(
    origin=st.integers(0, 84 * 24),
    changes=st.lists(
        st.tuples(st.integers(0, 84 * 24), st.integers(0, 7), st.floats(0, 1e6, width=32)),
        min_size=1,
        max_size=30,
    ),
)
def test_no_change_at_or_after_the_origin_changes_a_feature_or_a_baseline(
    panel: Panel, origin: int, changes: list[tuple[int, int, float]]
) -> None:
    later = panel.trips.copy()
    for row, column, trips in changes:
        if row >= origin and row < len(later):
            later[row, column] = trips
    if origin < len(later):
        later[origin] = 12345.0
    other = Panel(panel.start, panel.areas, later)

    before, base = build(look_back(panel, origin), CODES)
    after, other_base = build(look_back(other, origin), CODES)

    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(base, other_base)
    one, another = (baselines(look_back(which, origin)) for which in (panel, other))
    for name in one:
        np.testing.assert_array_equal(one[name], another[name])


def test_a_change_just_before_the_origin_does_change_features(panel: Panel) -> None:
    earlier = panel.trips.copy()
    earlier[999] += 50
    other = Panel(panel.start, panel.areas, earlier)
    before, _ = build(look_back(panel, 1000), CODES)
    after, _ = build(look_back(other, 1000), CODES)
    assert not np.array_equal(before, after, equal_nan=True)


@pytest.mark.parametrize("origin", [WINDOW, WINDOW + 7, 83 * 24])
def test_lags_are_the_same_clock_hour_of_earlier_weeks(panel: Panel, origin: int) -> None:
    window = look_back(panel, origin)
    for ahead in (0, 1, 23, 24, 100, HORIZON - 1):
        for back in (1, 2, 3, 4):
            row = origin + ahead - back * WEEK
            np.testing.assert_array_equal(window.weeks[-back, ahead], panel.trips[row])
            target, lagged = window.origin + ahead * HOUR, panel.hours[row]
            assert target - lagged == np.timedelta64(back * 7, "D")


def test_lag_features_are_ratios_to_the_base(panel: Panel) -> None:
    window = look_back(panel, WINDOW + 5)
    built, base = build(window, CODES)
    for back in (1, 2, 3, 4):
        name = f"lag_{back}_week" + "s" * (back > 1)
        expected = np.log((window.weeks[-back] + 0.5) / (base + 0.5))
        np.testing.assert_allclose(feature(built, name), expected, atol=1e-5)


def test_calendar_features_are_those_of_the_hour_that_is_forecast(panel: Panel) -> None:
    window = look_back(panel, panel.index(np.datetime64("2025-02-14T15")))
    built, _ = build(window, CODES)
    hours = pd.date_range("2025-02-14T15:00", periods=HORIZON, freq="h")
    np.testing.assert_array_equal(feature(built, "hour")[:, 0], hours.hour)
    np.testing.assert_array_equal(
        feature(built, "day_of_week")[:, 0], (hours.dayofweek + 1) % 7 + 1
    )
    presidents = hours.normalize() == pd.Timestamp("2025-02-17")
    np.testing.assert_array_equal(feature(built, "holiday")[:, 0] == 1, presidents)
    assert feature(built, "day_ahead")[:, 0].tolist() == [
        day for day in range(1, 8) for _ in "x" * 24
    ]


def test_a_holiday_a_week_ago_is_known_to_have_been_one(panel: Panel) -> None:
    window = look_back(panel, panel.index(np.datetime64("2025-01-27T00")))
    built, _ = build(window, CODES)
    # Martin Luther King Day was Monday the 20th, New Year's Day the Wednesday four weeks before.
    assert feature(built, "holiday_a_week_ago")[[0, 24], 0].tolist() == [1, 3]
    assert feature(built, "holidays_in_4_weeks")[[0, 48], 0].tolist() == [1, 1]


def test_nothing_known_is_missing_and_finite_only_where_it_must_be(panel: Panel) -> None:
    nothing = Panel(panel.start, panel.areas, np.full_like(panel.trips, np.nan))
    built, base = build(look_back(nothing, 1000), CODES)
    assert np.isfinite(base).all()
    assert (base > 0).all()
    for name in ("lag_1_week", "level_of_area", "area_last_day", "city_last_week"):
        assert np.isnan(feature(built, name)).all(), name
    assert (feature(built, "weeks_known") == 0).all()


def test_a_history_shorter_than_the_window_is_padded_with_nothing(panel: Panel) -> None:
    window = look_back(panel, 200)
    assert np.isfinite(window.weeks).sum() == 200 * 8
    assert window.origin == panel.hours[200]
    assert np.isnan(look_back(panel, 0).weeks).all()


def test_the_base_of_a_steady_area_is_its_level() -> None:
    steady = Panel(np.datetime64("2025-01-01T00"), (1, 2), np.tile([3.0, 7.0], (WINDOW, 1)))
    built, base = build(
        look_back(Panel(steady.start, steady.areas, steady.trips.astype(np.float32)), WINDOW),
        CODES[:2],
    )
    np.testing.assert_allclose(base, np.tile([3.0, 7.0], (WEEK, 1)), rtol=1e-5)
    for name in ("lag_1_week", "area_last_day", "area_last_4_weeks", "city_last_day"):
        np.testing.assert_allclose(feature(built, name), 0, atol=1e-5, err_msg=name)


def test_an_hour_of_the_week_that_is_never_known_is_like_the_same_hour_of_other_days() -> None:
    daily = np.repeat([1.0, 30.0], 12).astype(np.float32)
    trips = np.tile(daily, WINDOW // 24)[:, None]
    start = np.datetime64("2025-01-01T00")
    whole, usual = build(look_back(Panel(start, (8,), trips), WINDOW), CODES[:1])
    holed = trips.copy().reshape(-1, WEEK, 1)
    holed[:, 40:46] = np.nan  # six hours from 16:00 on the second day of each week
    holed[:, 10] = np.nan
    built, base = build(look_back(Panel(start, (8,), holed.reshape(-1, 1)), WINDOW), CODES[:1])
    np.testing.assert_allclose(base, usual, rtol=1e-6)
    assert (feature(built, "weeks_known")[40:46] == 0).all()
    np.testing.assert_array_equal(feature(whole, "hour"), feature(built, "hour"))


def test_a_last_day_twice_as_busy_is_seen_in_area_and_city() -> None:
    trips = np.full((WINDOW, 2), 20, dtype=np.float32)
    trips[-24:] *= 2
    built, _ = build(
        look_back(Panel(np.datetime64("2025-01-01T00"), (1, 2), trips), WINDOW), CODES[:2]
    )
    for name in ("area_last_day", "city_last_day"):
        np.testing.assert_allclose(feature(built, name), np.log(2), atol=0.01, err_msg=name)


def test_baselines_are_last_week_and_the_mean_of_what_is_known_of_four(panel: Panel) -> None:
    trips = panel.trips.copy()
    trips[1000 - 2 * WEEK] = np.nan
    found = baselines(look_back(Panel(panel.start, panel.areas, trips), 1000))
    np.testing.assert_array_equal(found[SEASONAL_NAIVE][5], panel.trips[1005 - WEEK])
    known = [panel.trips[1000 - back * WEEK] for back in (1, 3, 4)]
    np.testing.assert_allclose(found[FOUR_WEEKS][0], np.mean(known, axis=0), rtol=1e-6)
