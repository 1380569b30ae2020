"""The back-test, and what it measures with."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chicagotaxi.backtest import BacktestOptions, backtest, backtest_steps, describe
from chicagotaxi.baselines import FOUR_WEEKS, SEASONAL_NAIVE
from chicagotaxi.calendar import WEEK
from chicagotaxi.counts import read_counts
from chicagotaxi.forecast import ForecastOptions
from chicagotaxi.metrics import FORECAST, BacktestReport, Outcome, compare, measure
from chicagotaxi.panel import Panel
from chicagotaxi.train import Training
from servicekit.files import DataError

OPTIONS = ForecastOptions(seed=3, rows=10_000, trees=15)


def run(panel: Panel, options: BacktestOptions, steps: list[str] | None = None) -> BacktestReport:
    return backtest(
        panel,
        options,
        OPTIONS,
        data=describe(panel, {"source": "x"}),
        progress=(steps if steps is not None else []).append,
    )


def test_errors_are_those_of_their_definitions() -> None:
    truth, guess = np.array([0, 2, 4], np.float32), np.array([1, 2, 1], np.float32)
    errors = measure(truth, guess)
    assert errors.mae == pytest.approx(4 / 3)
    assert errors.rmse == pytest.approx((10 / 3) ** 0.5)
    assert errors.wape == pytest.approx(4 / 6)
    assert errors.r2 == pytest.approx(1 - 10 / 8)
    assert errors.bias == pytest.approx(-2 / 3)


def test_what_cannot_be_measured_is_null() -> None:
    zeros = np.zeros(3, dtype=np.float32)
    errors = measure(zeros, zeros + 1)
    assert errors.wape is None
    assert errors.r2 is None


def test_skill_is_against_last_week_and_against_the_best_baseline() -> None:
    truth = np.full(4, 10, dtype=np.float32)
    outcome = Outcome(
        truth=truth,
        guesses={FORECAST: truth + 3, SEASONAL_NAIVE: truth + 6, FOUR_WEEKS: truth - 4},
        lower=truth - np.float32(1),
        upper=np.array([10, 9, 11, 10], dtype=np.float32),
    )
    found = compare("x", outcome, areas=1)
    assert found.best_baseline == FOUR_WEEKS
    assert found.skill_naive == pytest.approx(0.5)
    assert found.skill_best == pytest.approx(0.25)
    assert found.coverage == 0.75
    assert found.width == pytest.approx(1.0)


def test_every_origin_is_a_week_before_the_next_and_the_last_week_is_the_last(
    panel: Panel,
) -> None:
    steps: list[str] = []
    options = BacktestOptions(folds=3, step_days=7)
    report = run(panel, options, steps)
    last = len(panel.trips) - WEEK
    assert [fold.trained_hours for fold in report.folds] == [last - 2 * WEEK, last - WEEK, last]
    assert [fold.cells for fold in report.folds] == [WEEK * 8] * 3
    assert report.overall.cells == 3 * WEEK * 8
    assert report.left_out == 0
    assert len(steps) == backtest_steps(options)
    assert [one.cells for one in report.days_ahead] == [3 * 24 * 8] * 7
    assert sum(one.cells for one in report.groups) == report.overall.cells
    assert [one.areas for one in report.groups] == [3, 3, 2]


def test_the_baselines_are_measured_as_anybody_would(panel: Panel) -> None:
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


def test_the_synthetic_history_is_forecast_better_than_by_the_baselines(training: Training) -> None:
    overall = training.report.overall
    assert overall.skill_naive > 0.1
    assert overall.skill_best > 0
    assert 0.8 < overall.coverage < 0.99


def test_too_many_folds_are_refused_with_what_would_be_needed(panel: Panel) -> None:
    with pytest.raises(DataError, match="first of 9 origins"):
        run(panel, BacktestOptions(folds=9))


def test_counts_are_completed_with_zeros_and_duplicates_counted(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(
        "GEOID,interval60,trip_count,temp\n"
        "17031081600.0,2022-10-01 00:00:00,3,1.0\n"
        "17031081600.0,2022-10-01 00:00:00,3,1.5\n"
        "17031839100.0,2022-10-01 02:00:00,7,1.0\n"
    )
    counts = read_counts(path)
    assert counts.duplicates == 1
    assert counts.filled == 4
    assert counts.panel.areas == (17031081600, 17031839100)
    assert counts.panel.trips.tolist() == [[3, 0], [0, 0], [0, 7]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as CSV"),
        ("a,b\n1,2\n", "lacks the columns hour, area, trips"),
        ("hour,area,trips\nnoon,1,2\n", "Hours are written as"),
        ("hour,area,trips\n2022-10-01 00:00:00,1,x\n", "whole numbers"),
        ("hour,area,trips\n2022-10-01 00:30:00,1,2\n", "within an hour"),
        ("hour,area,trips\n2022-10-01 00:00:00,1,2.5\n", "trips has a fraction"),
        ("hour,area,trips\n2022-10-01 00:00:00,1.5,2\n", "area has a fraction"),
        ("hour,area,trips\n2022-10-01 00:00:00,1,inf\n", "trips has a fraction, or a number"),
        ("hour,area,trips\n2022-10-01 00:00:00,,2\n2022-10-01 00:00:00,1,2\n", "has 1 row"),
        ("hour,area,trips\n2022-10-01 00:00:00,1,\n", "without an hour, area or number"),
        ("hour,area,trips\n1822-10-01 00:00:00,1,2\n2022-10-01 00:00:00,1,2\n", "wrong date"),
        ("hour,area,trips\n", "has no rows"),
        ("hour,area,trips\n2022-10-01 00:00:00,1,-2\n", "negative"),
        ("hour,area,trips\n2022-10-01 00:00:00,1,2\n2022-10-01 00:00:00,1,3\n", "area 1 twice"),
    ],
)
def test_counts_that_cannot_be_used_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_counts(path)


def test_the_skipped_hour_is_not_filled_with_zeros(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("hour,area,trips\n2025-03-09 00:00:00,1,2\n2025-03-09 04:00:00,1,3\n")
    assert np.isnan(read_counts(path).panel.trips[:, 0]).tolist() == [
        False,
        False,
        True,
        False,
        False,
    ]


def test_the_real_counts_are_complete_and_their_duplicates_are_one_hour(real_data: Path) -> None:
    path = real_data / "hourly_tract_2022-10_11.csv"
    counts = read_counts(path)
    table = pd.read_csv(path)
    keys = ["GEOID", "interval60"]
    # The hour that the clock shows twice, joined to both of its weather reports.
    assert set(table[table.duplicated(keys)]["interval60"]) == {"2022-11-06 01:00:00"}
    assert counts.duplicates == 13
    assert counts.panel.trips.shape == (61 * 24, 221)
    assert counts.panel.trips.sum() == table.drop_duplicates(keys)["trip_count"].sum()
