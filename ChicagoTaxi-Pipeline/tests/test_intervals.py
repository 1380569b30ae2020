import numpy as np
import pytest
from chicagotaxi.intervals import LEVELS, Intervals, level_of
from chicagotaxi.panel import Floats
from hypothesis import given, settings
from hypothesis import strategies as st


def outcomes(
    seed: int, size: int, wider: float = 1.0
) -> tuple[Floats, Floats, "np.typing.NDArray[np.int64]"]:
    random = np.random.default_rng(seed)
    expected = np.exp(random.uniform(-3, 5, size)).astype(np.float32)
    truth = random.poisson(expected * random.gamma(20 / wider, wider / 20, size))
    days = random.integers(1, 8, size)
    return expected, truth.astype(np.float32), days


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_new_outcomes_lie_inside_as_often_as_promised(coverage: float) -> None:
    intervals = Intervals.calibrate(*outcomes(1, 60_000), coverage=coverage)
    expected, truth, days = outcomes(2, 60_000)
    lower, upper = intervals.around(expected, days)
    busy = expected > 1
    inside = ((truth >= lower) & (truth <= upper))[busy].mean()
    # Counts come in steps, so it can be a little more.
    assert coverage - 0.01 <= inside <= coverage + 0.06


def test_every_level_is_covered_by_itself() -> None:
    intervals = Intervals.calibrate(*outcomes(1, 80_000, wider=4.0), coverage=0.9)
    expected, truth, days = outcomes(2, 80_000, wider=4.0)
    lower, upper = intervals.around(expected, days)
    inside = (truth >= lower) & (truth <= upper)
    for level in range(len(LEVELS) + 1):
        assert inside[level_of(expected) == level].mean() >= 0.88, level


def test_a_later_day_that_is_harder_gets_a_wider_interval() -> None:
    expected, truth, days = outcomes(1, 60_000)
    far = days == 7
    truth[far] = np.random.default_rng(3).poisson(expected[far] * 0.5)
    intervals = Intervals.calibrate(expected, truth, days, coverage=0.9)
    near, distant = (
        intervals.around(np.array([20.0], np.float32), np.array([day])) for day in (1, 7)
    )
    assert distant[0] < near[0]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.floats(0, 1e4, width=32), st.floats(0, 1e4, width=32), st.integers(1, 7)),
        max_size=30,
    )
)
def test_few_or_no_outcomes_give_intervals_around_every_forecast(
    some: list[tuple[float, float, int]],
) -> None:
    table = np.array(some, dtype=np.float32).reshape(-1, 3)
    days = table[:, 2].astype(np.int64)
    intervals = Intervals.calibrate(table[:, 0], table[:, 1], days, coverage=0.9)
    expected = np.array([0, 0.01, 0.5, 5, 50, 500], dtype=np.float32)
    lower, upper = intervals.around(expected, np.arange(1, 7))
    assert (lower >= 0).all()
    assert (lower <= expected).all()
    assert (expected <= upper).all()
    assert np.isfinite(upper).all()


def test_ends_of_levels_belong_to_the_level_above() -> None:
    assert level_of(np.array([0, 0.1, 0.2, 100, 1e6], dtype=np.float32)).tolist() == [0, 1, 1, 7, 7]
