from datetime import date, timedelta

import numpy as np
import pytest
from chicagotaxi.clock import Hours
from chicagotaxi.forecast.holiday_kinds import holiday_kind


def at(*times: str) -> Hours:
    return np.array(times, dtype="datetime64[h]")


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


def test_kinds_are_in_the_order_of_the_hours() -> None:
    assert holiday_kind(at("2025-07-05T01", "2025-07-03T01", "2025-07-04T01")).tolist() == [3, 2, 1]
    assert holiday_kind(at()).tolist() == []


def test_thanksgiving_is_a_holiday_in_every_year() -> None:
    for year in range(2013, 2036):
        first = date(year, 11, 1)
        thanksgiving = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
        assert holiday_kind(at(f"{thanksgiving}T12")).tolist() == [1]
