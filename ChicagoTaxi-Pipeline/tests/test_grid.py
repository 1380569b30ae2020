from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from chicagotaxi.grid import complete_month, hours_between, is_skipped

CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize("year", range(2013, 2031))
def test_the_hours_are_those_that_the_clock_shows(year: int) -> None:
    found = hours_between(np.datetime64(f"{year}-01-01"), np.datetime64(f"{year + 1}-01-01"))
    start = np.datetime64(f"{year}-01-01T06:00").item().replace(tzinfo=ZoneInfo("UTC"))
    shown = set()
    for hour in range(24 * 366 + 1):
        local = (start + timedelta(hours=hour)).astimezone(CHICAGO).replace(tzinfo=None)
        if local.year == year:
            shown.add(local)
    hours = found.astype(object).tolist()
    # As sets, because a report of how two long lists differ takes minutes.
    assert set(hours) ^ shown == set()
    assert len(set(hours)) == len(hours)


def test_only_one_hour_of_a_year_is_skipped() -> None:
    days = np.arange(np.datetime64("2023-01-01T00"), np.datetime64("2024-01-01T00"))
    assert days[is_skipped(days)].tolist() == [np.datetime64("2023-03-12T02").item()]


def demand(**columns: list[object]) -> pa.Table:
    base: dict[str, list[object]] = {
        "hour": [np.datetime64("2023-04-06T20", "us")],
        "area": [8],
        "trips": [2],
        "fare_cents": [1001],
        "fares": [2],
        "hundredths": [None],
        "distances": [0],
    }
    table = pa.table(base | columns)
    return table.set_column(5, "hundredths", table["hundredths"].cast(pa.int64()))


def test_means_are_of_what_is_known() -> None:
    grid = complete_month(demand()).to_pylist()
    assert len(grid) == 24 * 77
    [busy] = [row for row in grid if row["trips"]]
    assert busy["avg_fare"] == 5.005
    assert busy["avg_miles"] is None
    assert (busy["area"], busy["hour"].date()) == (8, date(2023, 4, 6))
    assert grid[0]["avg_fare"] is None


def test_the_grid_covers_whole_days_from_the_first_trip_to_the_last() -> None:
    hours = [np.datetime64(time, "us") for time in ("2023-04-09T01", "2023-04-06T20")]
    double = {name: 2 * column for name, column in demand().to_pydict().items()}
    grid = complete_month(demand(**(double | {"hour": hours})))
    assert grid.num_rows == 4 * 24 * 77
    assert grid["trips"].to_numpy().sum() == 4
