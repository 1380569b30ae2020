from datetime import date, datetime, timedelta

import numpy as np
import pytest
from chicagotaxi.forecast.calendar import (
    Hours,
    clock_hour,
    day_of_week,
    exists,
    holiday_kind,
    is_weekend,
)
from hypothesis import given
from hypothesis import strategies as st


def at(*times: str) -> Hours:
    return np.array(times, dtype="datetime64[h]")


@given(st.datetimes(min_value=datetime(2013, 1, 1), max_value=datetime(2035, 1, 1)))  # noqa: DTZ001
def test_clock_and_weekday_are_those_of_the_calendar(time: datetime) -> None:
    hours = np.array([time], dtype="datetime64[h]")
    assert clock_hour(hours).tolist() == [time.hour]
    assert day_of_week(hours).tolist() == [time.isoweekday() % 7 + 1]
    assert is_weekend(hours).tolist() == [time.isoweekday() in {6, 7}]


def test_days_are_numbered_from_sunday() -> None:
    week = np.arange("2025-06-01", "2025-06-08", dtype="datetime64[D]")  # from a Sunday
    assert day_of_week(week).tolist() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        ("2025-07-04", 1),
        ("2025-07-03", 2),
        ("2025-07-05", 3),
        ("2025-03-03", 4),  # Casimir Pulaski Day, which only Illinois observes
        ("2025-06-11", 0),
        ("2022-12-26", 1),  # Christmas Day, observed
        ("2022-12-25", 1),
        ("2022-12-24", 2),
    ],
)
def test_kinds_of_days(day: str, kind: int) -> None:
    assert holiday_kind(at(f"{day}T00", f"{day}T23")).tolist() == [kind, kind]


def test_kinds_come_in_the_order_of_the_hours() -> None:
    assert holiday_kind(at("2025-07-05T01", "2025-07-03T01", "2025-07-04T01")).tolist() == [3, 2, 1]
    assert holiday_kind(at()).tolist() == []


def test_the_clock_skips_an_hour_in_march_and_no_other() -> None:
    day = np.arange("2025-03-09T00", "2025-03-10T00", dtype="datetime64[h]")
    assert clock_hour(day[~exists(day)]).tolist() == [2]
    year = np.arange("2024-01-01", "2025-01-01", dtype="datetime64[h]")
    assert (~exists(year)).sum() == 1


def test_the_hour_that_comes_twice_in_november_exists() -> None:
    assert exists(at("2025-11-02T01")).all()


def test_thanksgiving_is_a_holiday_in_every_year() -> None:
    for year in range(2013, 2036):
        first = date(year, 11, 1)
        thanksgiving = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
        assert holiday_kind(at(f"{thanksgiving}T12")).tolist() == [1]
