from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from chicagotaxi.clock import (
    Hours,
    clock_hour,
    day_of_week,
    hours_between,
    is_skipped,
    is_weekend,
    repeated_hours,
    skipped_hours,
)
from hypothesis import given
from hypothesis import strategies as st

FIRST, LAST = 1970, 2040


def at(*times: str) -> Hours:
    return np.array(times, dtype="datetime64[h]")


@pytest.fixture(scope="module")
def shown() -> Counter[datetime]:
    """How often the clock shows each hour of the years, by going through all instants."""
    zone = ZoneInfo("America/Chicago")
    instant, end = datetime(FIRST, 1, 1, tzinfo=UTC), datetime(LAST + 1, 1, 2, tzinfo=UTC)
    found: Counter[datetime] = Counter()
    while instant < end:
        local = instant.astimezone(zone).replace(tzinfo=None)
        found[local] += FIRST <= local.year <= LAST
        instant += timedelta(hours=1)
    return found


def test_skipped_and_repeated_hours_are_those_of_the_time_zone(shown: Counter[datetime]) -> None:
    hours = np.arange(f"{FIRST}-01-01", f"{LAST + 1}-01-01", dtype="datetime64[h]")
    never = [hour for hour in hours.tolist() if not shown[hour]]
    assert len(never) == LAST - FIRST + 1
    assert hours[is_skipped(hours)].tolist() == never
    assert skipped_hours(FIRST, LAST) == never
    assert repeated_hours(FIRST, LAST) == sorted(h for h, times in shown.items() if times == 2)


def test_the_hours_between_two_times_are_those_that_the_clock_shows(
    shown: Counter[datetime],
) -> None:
    for year in range(FIRST, LAST + 1):
        begin, end = np.datetime64(f"{year}-01-01"), np.datetime64(f"{year + 1}-01-01")
        hours = hours_between(begin, end).tolist()
        # As sets, because a report of how two long lists differ takes minutes.
        assert set(hours) == {hour for hour, times in shown.items() if times and hour.year == year}
        assert len(set(hours)) == len(hours)


def test_only_one_hour_of_a_year_is_skipped() -> None:
    days = np.arange(np.datetime64("2023-01-01T00"), np.datetime64("2024-01-01T00"))
    assert days[is_skipped(days)].tolist() == [np.datetime64("2023-03-12T02").item()]


def test_the_hour_that_is_repeated_in_november_is_not_skipped() -> None:
    assert not is_skipped(at("2025-11-02T01")).any()
    assert repeated_hours(2025, 2025) == [np.datetime64("2025-11-02T01").item()]


def test_no_hours_are_not_skipped() -> None:
    assert is_skipped(at()).tolist() == []


@given(st.datetimes(min_value=datetime(2013, 1, 1), max_value=datetime(2035, 1, 1)))  # noqa: DTZ001
def test_clock_and_weekday_are_those_of_the_calendar(time: datetime) -> None:
    hours = np.array([time], dtype="datetime64[h]")
    assert clock_hour(hours).tolist() == [time.hour]
    assert day_of_week(hours).tolist() == [time.isoweekday() % 7 + 1]
    assert is_weekend(hours).tolist() == [time.isoweekday() in {6, 7}]


def test_days_are_numbered_from_sunday() -> None:
    week = np.arange("2025-06-01", "2025-06-08", dtype="datetime64[D]")  # from a Sunday
    assert day_of_week(week).tolist() == [1, 2, 3, 4, 5, 6, 7]
