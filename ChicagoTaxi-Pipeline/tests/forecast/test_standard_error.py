"""Standard errors of a back-test's figures, with days as the sample."""

import numpy as np
import pytest
from chicagotaxi.forecast.standard_error import Sums, standard_error, sums_by_day


def mean(sums: Sums) -> float:
    return float(sums[0] / sums[1])


def test_the_error_of_a_mean_of_days_is_that_of_the_textbook() -> None:
    values = np.random.default_rng(1).normal(0, 3, 30).astype(np.float32)
    found = standard_error(sums_by_day(np.arange(30), values), mean)
    assert found == pytest.approx(values.std(ddof=1) / 30**0.5, rel=1e-5)


def test_correlated_hours_do_not_lower_the_standard_error() -> None:
    of_days = np.random.default_rng(1).normal(0, 3, 30).astype(np.float32)
    once = standard_error(sums_by_day(np.arange(30), of_days), mean)
    hourly = standard_error(sums_by_day(np.repeat(np.arange(30), 24), np.repeat(of_days, 24)), mean)
    assert hourly == pytest.approx(once)


def test_one_day_has_no_standard_error() -> None:
    assert standard_error(sums_by_day(np.zeros(5, np.int64), np.ones(5, np.float32)), mean) is None


def test_sums_are_of_each_day_and_count_its_values() -> None:
    sums = sums_by_day(np.array([7, 3, 7]), np.array([1, 2, 4], np.float32))
    assert sums.tolist() == [[2, 1], [5, 2]]
