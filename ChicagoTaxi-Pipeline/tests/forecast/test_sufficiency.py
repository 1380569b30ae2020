"""Histories with too few known hours are refused, with the number that is needed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from batches import predict
from chicagotaxi.batch.hindcast import find_origins
from chicagotaxi.cli import app
from chicagotaxi.clock import WEEK
from chicagotaxi.forecast.features import WINDOW
from chicagotaxi.forecast.sufficiency import (
    check_to_forecast,
    check_to_train,
    enough_to_forecast,
    notice_unknown_hours,
)
from chicagotaxi.history.panel import Panel
from hypothesis import given, settings
from hypothesis import strategies as st
from servicekit.files import DataError
from trips import run as run_etl
from typer.testing import CliRunner


def knowing(panel: Panel, *known: slice) -> Panel:
    """A history of which only some rows are known."""
    trips = np.full_like(panel.trips, np.nan)
    for rows in known:
        trips[rows] = panel.trips[rows]
    return Panel(panel.start, panel.areas, trips)


def test_a_forecast_needs_two_weeks_of_the_last_eight(panel: Panel) -> None:
    end = len(panel.trips)
    check_to_forecast(panel)
    check_to_forecast(knowing(panel, slice(end - 2 * WEEK, end)))
    check_to_forecast(knowing(panel, slice(end - WEEK, end), slice(end - 5 * WEEK, end - 4 * WEEK)))
    with pytest.raises(DataError, match=r"335 hours are known.* needs 336 known hours \(two weeks"):
        check_to_forecast(knowing(panel, slice(end - 2 * WEEK + 1, end)))
    # What lies before the eight weeks is not looked at.
    with pytest.raises(DataError, match="168 hours are known"):
        check_to_forecast(knowing(panel, slice(0, end - WINDOW), slice(end - WEEK, end)))


def test_a_forecast_needs_nine_of_ten_hours_of_a_week(panel: Panel) -> None:
    end = len(panel.trips)
    days = [slice(end - back * WEEK - 24, end - back * WEEK) for back in range(8)]
    nights = [slice(row, row + 10) for row in range(end - WINDOW, end, 24)]
    for known, of_the_week in ((days, 24), (nights, 70)):
        with pytest.raises(DataError, match=rf"{of_the_week} of the 168 hours of a week"):
            check_to_forecast(knowing(panel, *known))


@pytest.mark.parametrize("known", [0, 1, 839])
def test_training_needs_five_weeks_that_are_known(panel: Panel, known: int) -> None:
    check_to_train(knowing(panel, slice(0, 400), slice(1000, 1440)))
    with pytest.raises(
        DataError, match=rf"{known} known hours .*; training needs 840 \(five weeks"
    ):
        check_to_train(knowing(panel, slice(100, 100 + known)))


@settings(max_examples=60, deadline=None)
@given(
    holes=st.lists(st.tuples(st.integers(0, 2016), st.integers(1, 900)), max_size=5),
    every=st.sampled_from([7, 24, 100]),
)
def test_hindcast_forecasts_from_the_origins_that_a_forecast_would_be_made_at(
    panel: Panel, holes: list[tuple[int, int]], every: int
) -> None:
    trips = panel.trips.copy()
    for begin, length in holes:
        trips[begin : begin + length] = np.nan
    holed = Panel(panel.start, panel.areas, trips)
    possible = list(range(WINDOW, len(trips) + 1, every))
    found = enough_to_forecast(holed, possible)
    for row in possible:
        if row in found:
            check_to_forecast(holed.until(row))
        else:
            with pytest.raises(DataError, match="A forecast needs 336 known hours"):
                check_to_forecast(holed.until(row))


def test_hindcast_reports_how_many_origins_are_left_out(panel: Panel) -> None:
    messages: list[str] = []
    assert len(find_origins(panel, 24, notice=messages.append)) == 29
    assert messages == []
    # From the last ten days of the eleventh week on, too little is known.
    holed = knowing(panel, slice(0, 300), slice(WINDOW - 30, 2016))
    assert find_origins(holed, 24, notice=messages.append) == list(
        range(WINDOW + 24 * 13, 2017, 24)
    )
    assert messages == [
        "Left out 13 of 29 origins: too few hours of the eight weeks before them are known."
    ]
    with pytest.raises(DataError, match="A forecast needs 336 known hours"):
        find_origins(knowing(panel, slice(0, 300)), 24)


def test_unknown_hours_are_reported(panel: Panel) -> None:
    messages: list[str] = []
    notice_unknown_hours(panel, messages.append)
    assert messages == []
    notice_unknown_hours(knowing(panel, slice(0, 100), slice(124, 2016)), messages.append)
    [text] = messages
    assert text == (
        "Of the history, 24 hours are unknown: 2025-01-05 04:00 to 2025-01-06 03:00 (24 h). "
        "They are left out; nothing is learned from them."
    )


def test_a_real_day_used_twice_is_not_enough_history(
    real_data: Path, sealed: Path, tmp_path: Path
) -> None:
    trips = pd.read_parquet(real_data / "trips_2022-03-01_api.parquet")
    later = trips.assign(trip_id=trips["trip_id"] + "x")
    for name in ("trip_start_timestamp", "trip_end_timestamp"):
        later[name] = trips[name] + pd.Timedelta(days=19)
    pd.concat([trips, later]).to_parquet(tmp_path / "trips.parquet")
    out = tmp_path / "out"
    status = run_etl(tmp_path / "trips.parquet", out)
    # The 18 days between, without the hour that the clock skips.
    assert (status.hours, status.unknown_hours) == (48, 18 * 24 - 1)
    for arguments in (
        ["predict", "--out", out, "--model", sealed],
        ["train", "--data", out, "--out", tmp_path / "m", "--reports", tmp_path / "r"],
        ["backtest", "--data", out, "--reports", tmp_path / "r"],
    ):
        result = CliRunner().invoke(app, [str(one) for one in arguments])
        assert result.exit_code == 2, result.output
        assert "431 hours are unknown: 2022-03-02 00:00 to 2022-03-19 23:00" in result.stderr
        assert "48 of the 168 hours of a week" in result.stderr
    assert not (out / "predictions").exists()
    assert not (tmp_path / "m").exists()


def test_a_history_with_too_many_holes_leaves_the_served_batch(
    sealed: Path, panel: Panel, output: Path
) -> None:
    info = predict(sealed, panel, output)
    with pytest.raises(DataError, match="A forecast needs 336 known hours"):
        predict(sealed, knowing(panel, slice(0, 300), slice(2000, 2016)), output)
    assert (output / "predictions" / "current").read_text().strip() == info.batch
