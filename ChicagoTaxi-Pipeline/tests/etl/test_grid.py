from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest
from chicagotaxi.arrow_schemas import hourly_schema
from chicagotaxi.etl.grid import complete_month


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


NOW = datetime(2024, 1, 1)  # noqa: DTZ001 - Chicago's wall clock


def test_means_are_of_known_values() -> None:
    grid = complete_month(demand(), now=NOW).to_pylist()
    assert len(grid) == 77
    [busy] = [row for row in grid if row["trips"]]
    assert busy["avg_fare"] == 5.005
    assert busy["avg_miles"] is None
    assert (busy["area"], busy["hour"].date()) == (8, date(2023, 4, 6))
    assert grid[0]["avg_fare"] is None


def both(*times: str) -> pa.Table:
    hours = [np.datetime64(time, "us") for time in times]
    double = {name: 2 * column for name, column in demand().to_pydict().items()}
    return demand(**(double | {"hour": hours}))


def test_the_grid_goes_from_the_first_trip_to_the_last_and_leaves_out_what_is_unknown() -> None:
    grid = complete_month(both("2023-04-09T01", "2023-04-06T20"), now=NOW)
    hours = np.unique(grid["hour"].to_numpy().astype("datetime64[h]"))
    assert hours.tolist() == [
        datetime(2023, 4, 6, 20),  # noqa: DTZ001
        datetime(2023, 4, 9, 1),  # noqa: DTZ001
    ]
    assert grid["trips"].to_numpy().sum() == 4


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2023, 4, 30, 22, 59), "2023-04-30T21"),  # noqa: DTZ001
        (datetime(2023, 4, 30, 23, 59), "2023-04-30T22"),  # noqa: DTZ001
        (datetime(2023, 5, 1), "2023-04-30T23"),  # noqa: DTZ001
    ],
)
def test_hours_that_are_not_over_are_not_known(now: datetime, last: str) -> None:
    grid = complete_month(both("2023-04-30T21", "2023-04-30T22"), now=now)
    assert grid["hour"][-1].as_py() == np.datetime64(last, "us").item()
    assert grid.num_rows % 77 == 0


def test_a_month_of_the_present_hour_alone_is_not_known_yet() -> None:
    grid = complete_month(demand(), now=datetime(2023, 4, 6, 20, 30))  # noqa: DTZ001
    assert (grid.num_rows, grid.schema) == (0, hourly_schema())
