"""Hours without data: unknown and not zero, whatever is missing and wherever a month ends."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from chicagotaxi.clock import is_skipped
from chicagotaxi.etl.grid import complete_month, known_hours
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.history.panel import Panel
from chicagotaxi.schema import UnknownStretch
from chicagotaxi.unknown_hours import (
    LONGEST_QUIET,
    describe_stretches,
    longest_stretches,
    quiet_too_long,
    unknown_stretches,
)
from hypothesis import given, settings
from hypothesis import strategies as st

Hours = np.typing.NDArray[np.datetime64]

HOUR: Final = np.timedelta64(1, "h")
NOW: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - Chicago's wall clock
# A spring of whole months, with the hour that the clock skips.
SPRING: Final[Hours] = np.arange(
    np.datetime64("2023-02-01T00"), np.datetime64("2023-05-01T00"), HOUR
)


def demand(hours: Hours, trips: Sequence[int]) -> pa.Table:
    """Trips of area 8 in some hours, as the engines sum them up."""
    zeros = np.zeros(len(hours), dtype=np.int64)
    return pa.table(
        {
            "hour": hours.astype("datetime64[us]"),
            "area": np.full(len(hours), 8),
            "trips": np.asarray(trips, dtype=np.int64),
            "fare_cents": zeros,
            "fares": zeros,
            "hundredths": zeros,
            "distances": zeros,
        }
    )


def grids(hours: Hours, trips: Sequence[int]) -> pd.DataFrame:
    """The grids of all months, each made of its own trips alone."""
    months = hours.astype("datetime64[M]")
    found = [
        complete_month(
            demand(hours[months == month], np.asarray(trips)[months == month].tolist()), now=NOW
        ).to_pandas()
        for month in np.unique(months)
    ]
    frame: pd.DataFrame = pd.concat(found, ignore_index=True)
    return frame


def seen_hours(*texts: str) -> Hours:
    return np.array(texts, dtype="datetime64[h]")


@pytest.mark.parametrize(("quiet", "unknown"), [(LONGEST_QUIET, 0), (LONGEST_QUIET + 1, 1)])
def test_a_time_without_trips_longer_than_a_night_is_unknown(quiet: int, unknown: int) -> None:
    first = np.datetime64("2023-04-10T09")
    known = known_hours(np.array([first, first + (quiet + 1) * HOUR]), present=_present())
    assert len(unknown_stretches(known)) == unknown
    assert len(known) == 2 + (0 if unknown else quiet)


def test_two_trips_31_hours_apart_are_two_known_hours_and_one_stretch() -> None:
    grid = grids(seen_hours("2022-03-01T22", "2022-03-03T05"), [1, 1])
    assert len(grid) == 2 * 77
    assert grid["trips"].sum() == 2
    known = np.unique(grid["hour"].to_numpy())
    assert unknown_stretches(known) == [
        UnknownStretch(
            first=datetime(2022, 3, 1, 23),  # noqa: DTZ001
            last=datetime(2022, 3, 3, 4),  # noqa: DTZ001
            hours=30,
        )
    ]


@pytest.mark.parametrize(
    ("first", "last", "begin", "end"),
    [
        # Up to four hours are known on either side of a month's trips, and not five.
        ("2023-04-01T04", "2023-04-30T19", "2023-04-01T00", "2023-04-30T23"),
        ("2023-04-01T05", "2023-04-30T18", "2023-04-01T05", "2023-04-30T18"),
    ],
)
def test_a_month_is_known_to_its_ends_if_its_trips_are_near(
    first: str, last: str, begin: str, end: str
) -> None:
    between: Hours = np.arange(np.datetime64(first, "h"), np.datetime64(last, "h"), 6 * HOUR)
    known = known_hours(np.append(between, np.datetime64(last, "h")), present=_present())
    assert (str(known[0]), str(known[-1])) == (begin, end)
    assert unknown_stretches(known) == []


@pytest.mark.parametrize(("night", "known"), [("2023-03-11T22", 10), ("2023-03-18T22", 2)])
def test_the_skipped_hour_does_not_count_in_a_gap(night: str, known: int) -> None:
    # From 22:00 to 08:00 there are nine hours between, and eight where the clock skips one.
    seen = np.array([np.datetime64(night), np.datetime64(night) + 10 * HOUR])
    assert len(known_hours(seen, present=_present())) == known
    assert unknown_stretches(seen_hours("2023-03-12T01", "2023-03-12T03")) == []


@settings(max_examples=200, deadline=None)
@given(
    holes=st.lists(st.tuples(st.integers(0, len(SPRING)), st.integers(1, 400)), max_size=8),
    share=st.sampled_from([1.0, 0.5, 0.2]),
    seed=st.integers(0, 2**16),
)
def test_removing_stretches_never_gives_zeros_and_keeps_every_trip(
    holes: list[tuple[int, int]], share: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    there = (random.random(len(SPRING)) < share) & ~is_skipped(SPRING)
    for begin, length in holes:
        there[begin : begin + length] = False
    seen = SPRING[there]
    if not len(seen):
        return
    trips = random.integers(1, 50, len(seen)).tolist()

    frame = grids(seen, trips)

    assert frame["trips"].sum() == sum(trips)
    assert len(frame) == 77 * frame["hour"].nunique()
    zeros = frame.groupby("hour")["trips"].sum()
    idle = zeros.index[zeros == 0].to_numpy().astype("datetime64[h]")
    # An hour is a zero only where trips, or the end of a month, are near on both sides.
    for hour in idle:
        gap = _gap_around(seen, hour)
        assert gap <= LONGEST_QUIET
    # Read as one history, nothing more is unknown: months agree with each other at their borders.
    panel = Panel.from_frame(frame)
    known = panel.hours[panel.known]
    np.testing.assert_array_equal(known, np.unique(frame["hour"].to_numpy()).astype(known.dtype))
    assert np.nansum(panel.trips) == sum(trips)


def _gap_around(seen: Hours, hour: np.datetime64) -> int:
    """How many hours of the clock without a trip there are around one, within its month."""
    month = hour.astype("datetime64[M]")
    begin, end = month.astype("datetime64[h]") - HOUR, (month + 1).astype("datetime64[h]")
    before = seen[(seen < hour) & (seen > begin)]
    after = seen[(seen > hour) & (seen < end)]
    first = before[-1] if len(before) else begin
    last = after[0] if len(after) else end
    between = np.arange(first + HOUR, last, HOUR)
    hours = int((~is_skipped(between)).sum())
    return hours if len(before) and len(after) else 2 * hours


def test_zeros_of_an_older_release_are_read_as_unknown(
    hourly_frame: pd.DataFrame,
) -> None:
    begin, end = pd.Timestamp("2025-01-10 07:00"), pd.Timestamp("2025-01-12 15:00")
    hole = (hourly_frame["hour"] >= begin) & (hourly_frame["hour"] < end)
    frame = hourly_frame.assign(trips=hourly_frame["trips"].where(~hole, 0))
    panel = Panel.from_frame(frame)
    unknown = panel.hours[~panel.known]
    assert (str(unknown[0]), str(unknown[-1])) == ("2025-01-10T07", "2025-01-12T14")
    assert len(unknown) == 56
    assert np.nansum(panel.trips) == frame["trips"].sum()


def test_a_forecast_after_days_without_data_is_not_a_forecast_after_empty_days(
    hourly_frame: pd.DataFrame, panel: Panel, forecaster: DemandForecaster
) -> None:
    hole = hourly_frame["hour"].between(
        pd.Timestamp("2025-03-15 00:00"), pd.Timestamp("2025-03-23 23:00")
    )
    zeros = hourly_frame.assign(trips=hourly_frame["trips"].where(~hole, 0))
    whole = forecaster.model.predict(panel).expected.sum()
    holed = forecaster.model.predict(Panel.from_frame(zeros)).expected.sum()
    invented = panel.trips.copy()
    invented[np.isin(panel.hours, hourly_frame.loc[hole, "hour"].to_numpy())] = 0
    empty = forecaster.model.predict(Panel(panel.start, panel.areas, invented)).expected.sum()
    # Empty days pull the forecast down; unknown ones leave it near that of the days themselves.
    assert empty < 0.95 * whole
    assert abs(holed - whole) < (whole - empty) / 5, (whole, holed, empty)


def test_a_quiet_area_keeps_its_zeros(hourly_frame: pd.DataFrame) -> None:
    panel = Panel.from_frame(hourly_frame)
    quiet = panel.trips[:, panel.areas.index(54)]
    assert panel.known.all()
    assert np.isfinite(quiet).all()
    assert (quiet == 0).mean() > 0.9


def test_an_unknown_total_ends_a_stretch() -> None:
    totals = np.array([1.0, *[0.0] * 8, np.nan, *[0.0] * 9, 2.0])
    hours = np.datetime64("2023-04-10T09") + np.arange(len(totals)) * HOUR
    assert np.flatnonzero(quiet_too_long(hours, totals)).tolist() == list(range(10, 19))


def test_messages_name_the_longest_stretches_and_count_the_others() -> None:
    start = datetime(2023, 4, 1)  # noqa: DTZ001
    stretches = [
        UnknownStretch(first=day, last=day + timedelta(hours=hours - 1), hours=hours)
        for hours in range(9, 69)
        for day in [start + timedelta(days=7 * hours)]
    ]
    words = describe_stretches(stretches)
    assert words.startswith("2,310 hours are unknown: ")
    assert words.endswith("; and 57 shorter stretches.")
    assert "(68 h)" in words
    assert "(65 h)" not in words
    kept = longest_stretches(stretches)
    assert [one.hours for one in kept] == list(range(19, 69))
    assert describe_stretches(stretches[:1]) == (
        "9 hours are unknown: 2023-06-03 00:00 to 2023-06-03 08:00 (9 h)."
    )


def _present() -> np.datetime64:
    return np.datetime64(NOW, "h")
