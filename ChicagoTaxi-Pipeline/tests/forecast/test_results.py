"""The claims of the model card: bounds on the committed back-tests, and a new one."""

from pathlib import Path
from typing import Final

import pytest
from chicagotaxi.forecast.backtest import BacktestOptions, backtest
from chicagotaxi.forecast.metrics import FORECAST, BacktestReport, Comparison
from chicagotaxi.forecast.model import ForecastOptions
from chicagotaxi.history.counts import read_counts

RESULTS: Final = Path(__file__).resolve().parents[2] / "results"
BOUNDS: Final = (0.88, 0.92)
REPORTS: Final = ("backtest-real.json", "backtest-generated.json")


def read(name: str) -> BacktestReport:
    return BacktestReport.model_validate_json((RESULTS / name).read_bytes())


def possible(one: Comparison) -> bool:
    """Whether intervals that begin at zero can cover as little as the upper bound."""
    return one.least_coverage < BOUNDS[1]


@pytest.mark.parametrize("name", REPORTS)
def test_intervals_have_the_intended_coverage_in_every_group_where_that_is_possible(
    name: str,
) -> None:
    groups = read(name).groups
    assert len(groups) == 3
    assert sum(possible(one) for one in groups) >= 2
    for one in groups:
        if possible(one):
            assert BOUNDS[0] <= one.coverage <= BOUNDS[1], one.name
        else:
            # No more than a hundredth above what cannot be left out.
            assert one.least_coverage <= one.coverage <= one.least_coverage + 0.01, one.name


@pytest.mark.parametrize("name", REPORTS)
def test_intervals_have_the_intended_coverage_on_every_day_ahead(name: str) -> None:
    for group in read(name).groups_ahead:
        for one in group:
            if possible(one):
                # Of so many figures, some lie outside by chance: two standard errors.
                chance = 2 * (one.coverage_error or 0)
                assert BOUNDS[0] - chance <= one.coverage <= BOUNDS[1] + chance, one.name


def test_on_real_counts_the_forecast_is_as_good_as_the_best_baseline_everywhere() -> None:
    report = read(REPORTS[0])
    everything = [report.overall, *report.groups, *report.days_ahead]
    for one in (*everything, *(one for group in report.groups_ahead for one in group)):
        assert one.skill_best >= 0, one.name


def test_on_the_generated_year_the_forecast_is_as_good_as_the_best_baseline() -> None:
    report = read(REPORTS[1])
    assert report.overall.skill_best > 0
    for one in (*report.groups, *report.days_ahead):
        # Where it is not better, it is not surely worse.
        assert one.skill_best >= -(one.skill_best_error or 0), one.name


@pytest.mark.parametrize("name", REPORTS)
def test_interval_scores_are_better_than_the_baselines_own(name: str) -> None:
    report = read(name)
    for one in (report.overall, *report.groups, *report.days_ahead):
        scores = {forecaster: figures.score for forecaster, figures in one.intervals.items()}
        assert scores.pop(FORECAST) <= min(scores.values()), one.name


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_weeks_of_real_counts_are_forecast_as_in_the_model_card(real_data: Path) -> None:
    counts = read_counts(real_data / "hourly_tract_2022-10_11.csv")
    report, _ = backtest(
        counts.panel,
        BacktestOptions(folds=3, step_days=7),
        ForecastOptions(),
        data={},
    )
    busy, middling, quiet = report.groups
    # Thanksgiving is one of these 21 days. Before, it was 68.5% and 79.0%.
    assert 0.85 <= busy.coverage <= 0.95
    assert 0.85 <= middling.coverage <= 0.95
    assert quiet.coverage <= quiet.least_coverage + 0.01
    # Before, day 6 was 18.3% worse than the mean of four weeks.
    for one in (busy, middling, *report.days_ahead):
        assert one.skill_best > -0.02, one.name
