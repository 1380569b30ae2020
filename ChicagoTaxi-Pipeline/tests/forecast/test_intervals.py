"""Intervals keep their promise on counts that are mostly zero, and on days that go together."""

from dataclasses import replace
from typing import Final

import numpy as np
import pytest
from chicagotaxi.forecast.intervals import LEVELS, Intervals, Tried
from chicagotaxi.history.panel import Float32Array
from hypothesis import given, settings
from hypothesis import strategies as st

NO: Final = np.zeros(1, dtype=np.bool_)
AS_EVER: Final = np.ones(1, dtype=np.float32)
# The levels at which hours of one day go together, and the least trips of the first of them.
SHARED: Final = 10.0


def outcomes(
    seed: int, days: int = 56, hours: int = 1500, *, spread: float = 0.2, shock: float = 0.0
) -> Tried:
    """Forecasts that are right on average, and counts that vary by hour and, shared, by day."""
    random = np.random.default_rng(seed)
    size = days * hours
    expected = np.exp(random.uniform(-3, 4.5, size)).astype(np.float32)
    day = np.repeat(random.normal(0, shock, days), hours)
    own = random.normal(0, spread, size)
    truth = random.poisson(expected * np.exp(day + own - (shock**2 + spread**2) / 2))
    return Tried(
        expected=expected,
        truth=truth.astype(np.float32),
        days=random.integers(1, 8, size),
        dates=np.repeat(np.arange(days), hours),
        change=np.ones(size, dtype=np.float32),
    )


def inside(intervals: Intervals, tried: Tried) -> "np.typing.NDArray[np.bool_]":
    lower, upper = intervals.around(tried.expected, tried.days, tried.change, NO)
    return (tried.truth >= lower) & (tried.truth <= upper)


def around(
    intervals: Intervals,
    expected: float,
    day: int = 1,
    change: Float32Array = AS_EVER,
    holiday: bool = False,
) -> tuple[float, float]:
    ends = intervals.around(
        np.array([expected], np.float32), np.array([day]), change, np.array([holiday])
    )
    return float(ends[0][0]), float(ends[1][0])


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_new_outcomes_are_inside_as_often_as_intended(coverage: float) -> None:
    intervals = Intervals.calibrate(outcomes(1), coverage=coverage)
    new = outcomes(2)
    busy = new.expected > SHARED
    # Counts come in steps, and many days leave little to correct: it can be a little more.
    assert coverage - 0.01 <= inside(intervals, new)[busy].mean() <= coverage + 0.03


@pytest.mark.parametrize("level", range(3, len(LEVELS) + 1))
def test_every_level_at_which_it_is_possible_is_covered_between_88_and_92_percent(
    level: int,
) -> None:
    intervals = Intervals.calibrate(outcomes(1, days=200, hours=400), coverage=0.9)
    new = outcomes(2)
    chosen = np.searchsorted(LEVELS, new.expected, side="right") == level
    assert 0.88 <= inside(intervals, new)[chosen].mean() <= 0.92


def test_if_zeros_alone_exceed_the_coverage_the_interval_has_zero_only() -> None:
    tried = outcomes(1)
    intervals = Intervals.calibrate(tried, coverage=0.9)
    rare = tried.expected < LEVELS[0]
    assert (tried.truth[rare] == 0).mean() > 0.92
    lower, upper = intervals.around(tried.expected[rare], tried.days[rare], AS_EVER, NO)
    # Less than the share of zeros cannot be covered by an interval that begins at zero.
    assert (lower == 0).all()
    assert (upper < 1).all()
    assert inside(intervals, tried)[rare].mean() == (tried.truth[rare] == 0).mean()


def test_zero_is_inside_if_zeros_are_more_than_a_tail() -> None:
    intervals = Intervals.calibrate(outcomes(1), coverage=0.9)
    for expected in (0.01, 0.05, 0.09, 0.2, 0.31, 0.9, 1.5, 2.9):
        assert around(intervals, expected)[0] == 0, expected


def test_a_shared_shock_of_few_days_is_covered_on_days_to_come() -> None:
    # Ten days are known; each day of the city moves all of its hours together.
    covered = []
    for seed in range(60):
        intervals = Intervals.calibrate(
            outcomes(seed, days=10, hours=400, spread=0.1, shock=0.4), coverage=0.9
        )
        new = outcomes(1000 + seed, days=1, hours=400, spread=0.1, shock=0.4)
        far = replace(new, days=np.full_like(new.days, 4))
        covered.append(inside(intervals, far)[new.expected > SHARED].mean())
    # Quantiles over hours as if each were a day of its own cover 0.82 here.
    assert np.mean(covered) >= 0.88


def test_the_nearer_a_day_is_the_less_its_shock_widens_the_interval() -> None:
    # All days ahead are equally hard here: only what is unknown of the days to come differs.
    intervals = Intervals.calibrate(outcomes(1, days=20, hours=3000, shock=0.3), coverage=0.9)
    widths = [upper - lower for lower, upper in (around(intervals, 20.0, day) for day in (1, 3))]
    assert widths[0] < 0.97 * widths[1]


def test_many_days_need_almost_no_correction() -> None:
    few, many = (
        Intervals.calibrate(outcomes(1, days=days, hours=60_000 // days), coverage=0.9)
        for days in (12, 100)
    )
    widths = [upper - lower for lower, upper in (around(few, 20.0, 4), around(many, 20.0, 4))]
    assert widths[0] > 1.1 * widths[1]


def test_a_later_day_that_is_harder_gets_a_wider_interval() -> None:
    tried = outcomes(1)
    far = tried.days == 7
    truth = tried.truth.copy()
    truth[far] = np.random.default_rng(3).poisson(tried.expected[far] * 0.5)
    alike = Intervals.calibrate(tried, coverage=0.9)
    harder = Intervals.calibrate(replace(tried, truth=truth), coverage=0.9)
    near, distant = (
        (20 - around(harder, 20.0, day)[0]) / (20 - around(alike, 20.0, day)[0]) for day in (1, 7)
    )
    assert distant > 1.2 * near


def test_an_area_that_became_harder_to_forecast_gets_a_wider_interval() -> None:
    intervals = Intervals.calibrate(outcomes(1), coverage=0.9)
    calm = around(intervals, 50.0)
    wild = around(intervals, 50.0, change=np.array([2], np.float32))
    assert wild[0] - 50 == pytest.approx(2 * (calm[0] - 50), rel=1e-5)
    assert wild[1] - 50 == pytest.approx(2 * (calm[1] - 50), rel=1e-5)


def test_widths_are_calibrated_in_units_of_the_change() -> None:
    tried = outcomes(1)
    doubled = replace(tried, change=2 * tried.change)
    once, twice = (Intervals.calibrate(one, coverage=0.9) for one in (tried, doubled))
    two = np.array([2], np.float32)
    assert around(twice, 50.0, change=two) == pytest.approx(around(once, 50.0), rel=1e-5)


def test_on_a_holiday_the_lower_end_is_zero() -> None:
    intervals = Intervals.calibrate(outcomes(1), coverage=0.9)
    ordinary, holiday = around(intervals, 50.0), around(intervals, 50.0, holiday=True)
    assert ordinary[0] > 20
    assert holiday == (0.0, ordinary[1])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e4, width=32),
            st.floats(0, 1e4, width=32),
            st.integers(1, 7),
            st.integers(0, 30),
            st.floats(0.5, 4, width=32),
        ),
        max_size=30,
    ),
    st.floats(0.5, 4, width=32),
    st.booleans(),
)
def test_few_or_no_outcomes_give_intervals_around_every_forecast(
    some: list[tuple[float, float, int, int, float]], change: float, holiday: bool
) -> None:
    table = np.array(some, dtype=np.float32).reshape(-1, 5)
    days, dates = table[:, 2:4].astype(np.int64).T
    tried = Tried(table[:, 0], table[:, 1], days, dates, table[:, 4])
    intervals = Intervals.calibrate(tried, coverage=0.9)
    expected = np.array([0, 0.01, 0.5, 5, 50, 500], dtype=np.float32)
    lower, upper = intervals.around(
        expected, np.arange(1, 7), np.array([change], np.float32), np.array([holiday])
    )
    assert (lower >= 0).all()
    assert (lower <= expected).all()
    assert (expected <= upper).all()
    assert np.isfinite(upper).all()


def test_intervals_of_an_earlier_release_are_unchanged() -> None:
    widths = tuple((-1.5,) * 7 for _ in range(8)), tuple((2.0,) * 7 for _ in range(8))
    old = Intervals.model_validate({"coverage": 0.9, "low": widths[0], "high": widths[1]})
    # In units of the softened square root, and on holidays as on other days.
    assert around(old, 100.0, holiday=True) == pytest.approx(
        (100 - 1.5 * 100.25**0.5, 100 + 2 * 100.25**0.5)
    )
    assert around(old, 0.75) == pytest.approx((0.0, 2.75))
