from dataclasses import replace

import lightgbm
import numpy as np
import pytest
from chicagotaxi.clock import WEEK
from chicagotaxi.forecast.features import FEATURES, look_back
from chicagotaxi.forecast.model import MIN_HISTORY, ForecastOptions, fit
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.forecast.trees import fit_booster
from chicagotaxi.forecast.weekly_profile import recent_profile
from chicagotaxi.history.panel import Panel
from servicekit.files import DataError
from synthetic import hourly

OPTIONS = ForecastOptions(seed=3, rows=10_000, trees=10)


def test_two_trainings_with_one_seed_are_one_model(panel: Panel) -> None:
    first, again, other = (
        fit_booster(panel, seed=seed, rows=10_000, trees=10).model_to_string() for seed in (3, 3, 4)
    )
    assert first == again
    assert first != other


def test_a_forecast_is_of_the_week_after_the_origin(
    forecaster: DemandForecaster, panel: Panel
) -> None:
    forecast = forecaster.model.predict(panel, 1000)
    assert forecast.hours.tolist() == panel.hours[1000 : 1000 + WEEK].tolist()
    assert forecast.areas == panel.areas
    for values in (forecast.expected, forecast.lower, forecast.upper):
        assert values.shape == (WEEK, 8)
        assert values.dtype == np.float32
    assert (forecast.lower >= 0).all()
    assert (forecast.lower <= forecast.expected).all()
    assert (forecast.expected <= forecast.upper).all()
    assert forecaster.model.predict(panel).hours[0] == panel.end


def test_what_comes_after_the_origin_does_not_change_the_forecast(
    forecaster: DemandForecaster, panel: Panel
) -> None:
    whole = forecaster.model.predict(panel, 1000)
    past = forecaster.model.predict(panel.until(1000))
    np.testing.assert_array_equal(whole.expected, past.expected)
    np.testing.assert_array_equal(whole.upper, past.upper)


def test_busy_areas_are_forecast_busier_than_quiet_ones(
    forecaster: DemandForecaster, panel: Panel
) -> None:
    mean = forecaster.model.predict(panel).expected.mean(axis=0)
    level = dict(zip(panel.areas, mean.tolist(), strict=True))
    assert level[8] > level[32] > level[76] > level[6] > level[41] > level[54]
    assert level[8] == pytest.approx(panel.trips[-2 * WEEK :, panel.areas.index(8)].mean(), rel=0.3)


def test_areas_are_identified_by_number_and_not_by_position(
    forecaster: DemandForecaster, panel: Panel
) -> None:
    some = forecaster.model.predict(panel.select((8, 41)))
    everywhere = forecaster.model.predict(panel)
    # Only what the city as a whole does is seen differently.
    difference = some.expected - everywhere.expected[:, [2, 5]]
    assert np.abs(difference).mean() < 0.1 * everywhere.expected[:, [2, 5]].mean()


def test_an_area_that_was_not_in_training_is_forecast_from_its_own_history(
    forecaster: DemandForecaster, panel: Panel
) -> None:
    stranger = Panel(panel.start, (70,), panel.select((8,)).trips)
    known = forecaster.model.predict(panel.select((8,))).expected
    unknown = forecaster.model.predict(stranger).expected
    assert np.isfinite(unknown).all()
    assert unknown.mean() == pytest.approx(known.mean(), rel=0.3)


def test_gaps_and_an_empty_past_give_finite_forecasts(
    forecaster: DemandForecaster, panel: Panel
) -> None:
    trips = panel.trips.copy()
    trips[500:800] = np.nan
    trips[:, 3] = np.nan
    forecast = forecaster.model.predict(Panel(panel.start, panel.areas, trips), 1000)
    for values in (forecast.expected, forecast.lower, forecast.upper):
        assert np.isfinite(values).all()


def test_a_model_learns_a_pattern_that_the_baselines_cannot(panel: Panel) -> None:
    # Holidays at a third of the demand, all the year: last week says nothing of the next one.
    year = Panel.from_frame(hourly(days=364, levels={8: 60.0, 32: 30.0, 6: 20.0}))
    days = year.hours.astype("datetime64[D]")
    holidays = np.array(
        ["2025-01-20", "2025-02-17", "2025-05-26", "2025-06-19", "2025-07-04", "2025-09-01",
         "2025-10-13", "2025-11-11", "2025-11-27", "2025-12-25"], dtype="datetime64[D]",
    )  # fmt: skip
    year.trips[np.isin(days, holidays)] //= 3
    cut = year.index(np.datetime64("2025-12-24T00"))
    model = fit(year.until(cut), ForecastOptions(rows=60_000, trees=40))
    christmas = slice(24, 48)
    forecast = model.predict(year, cut).expected[christmas].sum()
    truth = year.trips[cut : cut + WEEK][christmas].sum()
    naive = year.trips[cut - WEEK : cut][christmas].sum()
    assert abs(forecast - truth) < 0.35 * abs(naive - truth)
    assert panel.areas


@pytest.mark.parametrize("hours", [0, 1, WEEK, MIN_HISTORY + WEEK - 1])
def test_a_history_that_is_too_short_is_refused(panel: Panel, hours: int) -> None:
    with pytest.raises(
        DataError, match=rf"{hours} known hours.*training needs {MIN_HISTORY + WEEK}"
    ):
        fit(panel.until(hours), OPTIONS)


def test_the_shortest_accepted_history_trains(panel: Panel) -> None:
    model = fit(panel.until(MIN_HISTORY + WEEK), OPTIONS)
    assert np.isfinite(model.predict(panel.until(MIN_HISTORY + WEEK)).expected).all()


def test_a_history_without_a_single_trip_is_refused(panel: Panel) -> None:
    empty = Panel(panel.start, panel.areas, np.zeros_like(panel.trips))
    with pytest.raises(DataError, match="no trip between 2025-01-01T00"):
        fit(empty, OPTIONS)


def test_unknown_hours_do_not_count_as_history(panel: Panel) -> None:
    trips = panel.trips.copy()
    trips[MIN_HISTORY:] = np.nan
    with pytest.raises(DataError, match=f"has {MIN_HISTORY} known hours"):
        fit(Panel(panel.start, panel.areas, trips), OPTIONS)


def test_a_history_whose_known_weeks_lie_far_apart_is_refused(panel: Panel) -> None:
    # Seven weeks, each with nine unknown ones after it: no origin knows two of its last eight.
    trips = np.full((70 * WEEK, len(panel.areas)), np.nan, dtype=np.float32)
    for week in range(7):
        trips[10 * week * WEEK : (10 * week + 1) * WEEK] = panel.trips[:WEEK]
    with pytest.raises(DataError, match=r"two weeks\) of the eight weeks before known"):
        fit(Panel(panel.start, panel.areas, trips), OPTIONS)


def test_a_history_with_holes_trains_on_what_is_known(panel: Panel) -> None:
    trips = panel.trips.copy()
    trips[2 * WEEK : 4 * WEEK] = np.nan
    trips[7 * WEEK + 50 : 8 * WEEK] = np.nan
    model = fit(Panel(panel.start, panel.areas, trips), OPTIONS)
    forecast = model.predict(Panel(panel.start, panel.areas, trips))
    assert np.isfinite(forecast.upper).all()
    assert forecast.expected.mean() == pytest.approx(np.nanmean(panel.trips[-WEEK:]), rel=0.3)


def test_trees_are_blended_with_the_weekly_profile_by_day_ahead(
    forecaster: DemandForecaster, panel: Panel
) -> None:
    blended = forecaster.model
    assert blended.blend is not None
    days = np.repeat(np.arange(1, 8), 24)
    trees = replace(blended, blend=None).predict(panel).expected
    profile = recent_profile(look_back(panel, len(panel.trips))).mean
    np.testing.assert_allclose(
        blended.predict(panel).expected,
        blended.blend.combine(trees, profile, days[:, None]),
        rtol=1e-5,
    )
    assert np.abs(blended.predict(panel).expected - trees).max() > 0.5


def test_thresholds_are_of_hours_with_trips(forecaster: DemandForecaster, panel: Panel) -> None:
    thresholds = forecaster.model.thresholds
    some = panel.trips[panel.trips > 0]
    assert 0.4 <= (some >= thresholds.medium).mean() <= 0.6
    assert 0.02 <= (some > thresholds.very_high).mean() <= 0.05
    assert thresholds.medium < thresholds.high < thresholds.very_high


def test_the_trees_were_trained_on_counts_and_these_features(forecaster: DemandForecaster) -> None:
    booster = forecaster.model.booster
    assert isinstance(booster, lightgbm.Booster)
    assert tuple(booster.feature_name()) == FEATURES
    assert "objective=poisson" in booster.model_to_string()
