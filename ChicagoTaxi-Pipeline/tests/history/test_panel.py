from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chicagotaxi.history.panel import Panel, read_hourly
from servicekit.files import DataError


def frame(rows: list[tuple[str, int, int]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["hour", "area", "trips"])
    return table.assign(hour=pd.to_datetime(table["hour"]))


def test_rows_are_placed_by_hour_and_area_whatever_their_order(hourly_frame: pd.DataFrame) -> None:
    shuffled = hourly_frame.sample(frac=1, random_state=1)
    one, other = Panel.from_frame(hourly_frame), Panel.from_frame(shuffled)
    np.testing.assert_array_equal(one.trips, other.trips)
    assert one.areas == (3, 6, 8, 28, 32, 41, 54, 76)
    wide = hourly_frame.pivot_table(index="hour", columns="area", values="trips")
    np.testing.assert_array_equal(one.trips, wide.to_numpy())
    assert one.hours.tolist() == [time.to_pydatetime() for time in wide.index]


def test_missing_hours_are_unknown_and_not_zero() -> None:
    panel = Panel.from_frame(frame([("2025-03-09 01:00", 8, 4), ("2025-03-09 03:00", 8, 0)]))
    assert panel.trips[:, 0].tolist()[::2] == [4.0, 0.0]
    assert np.isnan(panel.trips[1, 0])


def test_an_hour_and_area_that_occurs_twice_is_refused() -> None:
    rows = [("2025-01-01 00:00", 8, 4), ("2025-01-01 00:00", 8, 4)]
    with pytest.raises(DataError, match="twice"):
        Panel.from_frame(frame(rows))


def test_a_wrong_century_is_refused_before_it_fills_the_memory() -> None:
    rows = [("1925-01-01 00:00", 8, 4), ("2025-01-01 00:00", 8, 4)]
    with pytest.raises(DataError, match="wrong date"):
        Panel.from_frame(frame(rows))


def test_no_rows_are_refused() -> None:
    with pytest.raises(DataError, match="no rows"):
        Panel.from_frame(frame([]))


def test_until_has_the_hours_before_a_row(panel: Panel) -> None:
    past = panel.until(100)
    assert len(past.trips) == 100
    assert past.end == panel.hours[100]
    assert past.fare is not None
    assert len(past.fare) == 100


def test_the_output_of_the_pipeline_is_read_by_either_folder(output: Path, panel: Panel) -> None:
    for folder in (output, output / "hourly"):
        found = read_hourly(folder)
        np.testing.assert_array_equal(found.trips, panel.trips)
        assert found.fare is not None
        assert panel.fare is not None
        np.testing.assert_array_equal(found.fare, panel.fare)


def test_a_folder_without_hourly_demand_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no hourly demand"):
        read_hourly(tmp_path)


def test_a_file_that_is_not_parquet_is_refused(output: Path) -> None:
    (output / "hourly" / "year=2025" / "month=1" / "b.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="cannot be read as hourly demand"):
        read_hourly(output)


def test_a_column_that_is_missing_is_refused(tmp_path: Path) -> None:
    frame([("2025-01-01 00:00", 8, 4)]).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="cannot be read as hourly demand"):
        read_hourly(tmp_path)
