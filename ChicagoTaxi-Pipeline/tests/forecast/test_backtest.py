"""The back-test and its metrics."""

import numpy as np
import pytest
from chicagotaxi.clock import WEEK
from chicagotaxi.forecast.backtest import BacktestOptions, backtest, backtest_steps, describe
from chicagotaxi.forecast.backtest_outcome import Outcome
from chicagotaxi.forecast.baselines import FOUR_WEEKS, SEASONAL_NAIVE
from chicagotaxi.forecast.metrics import FORECAST, BacktestReport, compare, measure
from chicagotaxi.forecast.model import ForecastOptions
from chicagotaxi.forecast.train import Training
from chicagotaxi.history.panel import Panel
from progress_recorder import ProgressRecorder
from servicekit.files import DataError
from servicekit.progress import Advance, silent

OPTIONS = ForecastOptions(seed=3, rows=10_000, trees=15)


def run(panel: Panel, options: BacktestOptions, steps: Advance = silent) -> BacktestReport:
    return backtest(
        panel,
        options,
        OPTIONS,
        data=describe(panel, {"source": "x"}),
        progress=steps,
    ).report


def test_errors_are_those_of_their_definitions() -> None:
    truth, guess = np.array([0, 2, 4], np.float32), np.array([1, 2, 1], np.float32)
    errors = measure(truth, guess)
    assert errors.mae == pytest.approx(4 / 3)
    assert errors.rmse == pytest.approx((10 / 3) ** 0.5)
    assert errors.wape == pytest.approx(4 / 6)
    assert errors.r2 == pytest.approx(1 - 10 / 8)
    assert errors.bias == pytest.approx(-2 / 3)


def test_figures_that_cannot_be_measured_are_null() -> None:
    zeros = np.zeros(3, dtype=np.float32)
    errors = measure(zeros, zeros + 1)
    assert errors.wape is None
    assert errors.r2 is None


def test_skill_compares_with_last_week_and_with_the_best_baseline() -> None:
    found = compare("x", outcome_of_ten(), areas=1, interval=0.9)
    assert found.best_baseline == FOUR_WEEKS
    assert found.skill_naive == pytest.approx(0.5)
    assert found.skill_best == pytest.approx(0.25)
    assert found.skill_best_error == pytest.approx(0)


def outcome_of_ten() -> Outcome:
    truth = np.full(4, 10, dtype=np.float32)
    guesses = {FORECAST: truth + 3, SEASONAL_NAIVE: truth + 6, FOUR_WEEKS: truth - 4}
    lower = dict.fromkeys(guesses, truth - np.float32(1))
    lower[FOUR_WEEKS] = truth + np.float32(0.5)
    upper = dict.fromkeys(guesses, np.array([10, 9, 11, 10], dtype=np.float32))
    upper[FOUR_WEEKS] = truth + np.float32(2)
    return Outcome(
        truth=truth,
        dates=np.array([0, 0, 1, 1]),
        days=np.ones(4, dtype=np.int64),
        columns=np.zeros(4, dtype=np.int64),
        forecasts=guesses,
        lower=lower,
        upper=upper,
    )


def test_every_forecaster_s_intervals_are_scored_by_width_and_by_what_lies_outside() -> None:
    found = compare("x", outcome_of_ten(), areas=1, interval=0.9)
    assert found.coverage == 0.75
    # The mean width is 1; one truth of four lies 1 above, at 2 / (1 - 0.9) each.
    assert found.intervals[FORECAST].width == pytest.approx(1.0)
    assert found.intervals[FORECAST].score == pytest.approx(1.0 + 20 / 4)
    # The truth is 0.5 below each.
    assert found.intervals[FOUR_WEEKS].coverage == 0
    assert found.intervals[FOUR_WEEKS].score == pytest.approx(1.5 + 20 * 0.5)
    # Half of the first day's truths were inside, all of the second's.
    assert found.coverage_error == pytest.approx(0.25)
    assert found.dates == 2


def test_hours_without_trips_in_intervals_from_zero_bound_the_coverage_from_below() -> None:
    truth = np.array([0, 0, 0, 2], dtype=np.float32)
    guesses = dict.fromkeys((FORECAST, SEASONAL_NAIVE, FOUR_WEEKS), truth + 1)
    outcome = Outcome(
        truth=truth,
        dates=np.zeros(4, dtype=np.int64),
        days=np.ones(4, dtype=np.int64),
        columns=np.zeros(4, dtype=np.int64),
        forecasts=guesses,
        lower=dict.fromkeys(guesses, np.array([0, 0, 0.5, 0], dtype=np.float32)),
        upper=dict.fromkeys(guesses, np.ones(4, dtype=np.float32)),
    )
    found = compare("x", outcome, areas=1, interval=0.9)
    assert found.least_coverage == 0.5
    assert found.coverage == 0.5
    assert found.coverage_error is None


def test_every_origin_is_a_week_before_the_next_and_the_last_week_is_the_last(
    panel: Panel,
) -> None:
    recorder = ProgressRecorder()
    options = BacktestOptions(folds=3, step_days=7)
    report = run(panel, options, recorder)
    last = len(panel.trips) - WEEK
    assert [fold.trained_hours for fold in report.folds] == [last - 2 * WEEK, last - WEEK, last]
    assert [fold.cells for fold in report.folds] == [WEEK * 8] * 3
    assert report.overall.cells == 3 * WEEK * 8
    assert report.left_out == 0
    assert len(recorder.steps) == backtest_steps(options)
    assert [one.cells for one in report.days_ahead] == [3 * 24 * 8] * 7
    assert sum(one.cells for one in report.groups) == report.overall.cells
    assert [one.areas for one in report.groups] == [3, 3, 2]
    assert [[one.cells for one in group] for group in report.groups_ahead] == [
        [3 * 24 * areas] * 7 for areas in (3, 3, 2)
    ]
    assert report.groups_ahead[1][6].name == "middling, 1 to 10: day 7"


def test_the_baselines_errors_are_those_of_a_direct_computation(panel: Panel) -> None:
    report = run(panel, BacktestOptions(folds=1))
    last = len(panel.trips) - WEEK
    truth = panel.trips[last:].astype(np.float64)
    naive = panel.trips[last - WEEK : last].astype(np.float64)
    mean = np.mean([panel.trips[last - back * WEEK :][:WEEK] for back in (1, 2, 3, 4)], axis=0)
    errors = report.overall.errors
    assert errors[SEASONAL_NAIVE].mae == pytest.approx(np.abs(naive - truth).mean())
    assert errors[FOUR_WEEKS].mae == pytest.approx(np.abs(mean - truth).mean(), rel=1e-5)
    assert report.overall.trips == truth.sum()


def test_no_fold_sees_what_came_after_its_origin(panel: Panel) -> None:
    options = BacktestOptions(folds=2)
    trips = panel.trips.copy()
    trips[len(trips) - WEEK :] = 0
    honest, changed = run(panel, options), run(Panel(panel.start, panel.areas, trips), options)
    assert honest.folds[0] == changed.folds[0]
    assert honest.folds[1] != changed.folds[1]


def test_hours_without_data_are_left_out_for_all_forecasters(panel: Panel) -> None:
    trips = panel.trips.copy()
    trips[-10:] = np.nan  # no truth
    trips[-WEEK - 30 : -WEEK - 20, 2] = np.nan  # no last week
    report = run(Panel(panel.start, panel.areas, trips), BacktestOptions(folds=1))
    assert report.left_out == 10 * 8 + 10
    assert report.overall.cells == WEEK * 8 - 90


@pytest.mark.parametrize(
    # A week that is missing is no truth, and no last week of the week after it.
    ("missing", "there"),
    [(slice(-WEEK, None), 2), (slice(-2 * WEEK, -WEEK), 1)],
)
def test_an_origin_after_which_nothing_can_be_compared_is_left_out(
    panel: Panel, missing: slice, there: int
) -> None:
    trips = panel.trips.copy()
    trips[missing] = np.nan
    holed = Panel(panel.start, panel.areas, trips)
    report = run(holed, BacktestOptions(folds=3))
    assert len(report.folds) == there
    assert report.overall.cells == there * WEEK * 8
    assert report.left_out == (3 - there) * WEEK * 8
    with pytest.raises(DataError, match="Nothing can be compared in the weeks from 2025-03-19"):
        run(holed, BacktestOptions(folds=1))


def test_the_synthetic_history_is_forecast_better_than_by_the_baselines(training: Training) -> None:
    overall = training.report.overall
    assert overall.skill_naive > 0.1
    assert overall.skill_best > 0
    assert 0.85 < overall.coverage < 0.97
    scores = {name: one.score for name, one in overall.intervals.items()}
    assert scores[FORECAST] < min(scores[SEASONAL_NAIVE], scores[FOUR_WEEKS])


def test_too_many_folds_are_refused_with_what_would_be_needed(panel: Panel) -> None:
    with pytest.raises(DataError, match="first of 9 origins"):
        run(panel, BacktestOptions(folds=9))
