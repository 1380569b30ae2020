"""Files of counts: values that are read, filled with zero, unknown, or refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chicagotaxi.history.counts import Counts, read_counts
from chicagotaxi.history.read import read_history
from hypothesis import given, settings
from hypothesis import strategies as st
from servicekit.files import DataError
from servicekit.numbers import parse_number

HEADER = "hour,area,trips\n"


def counts(folder: Path, text: str | bytes, name: str = "counts.csv") -> Counts:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_counts(path)


def test_counts_are_completed_with_zeros_and_duplicates_counted(tmp_path: Path) -> None:
    found = counts(
        tmp_path,
        "GEOID,interval60,trip_count,temp\n"
        "17031081600.0,2022-10-01 00:00:00,3,1.0\n"
        "17031081600.0,2022-10-01 00:00:00,3,1.5\n"
        "17031839100.0,2022-10-01 02:00:00,7,1.0\n",
    )
    assert (found.duplicates, found.filled) == (1, 4)
    assert found.panel.areas == (17031081600, 17031839100)
    assert found.panel.trips.tolist() == [[3, 0], [0, 0], [0, 7]]


def test_hours_without_trips_for_longer_than_a_night_are_unknown(tmp_path: Path) -> None:
    rows = "2022-10-01 00:00:00,1,3\n2022-10-01 09:00:00,2,1\n2022-10-01 19:00:00,1,2\n"
    found = counts(tmp_path, HEADER + rows)
    known = np.isfinite(found.panel.trips).any(axis=1)
    # Eight hours between are a night; nine are not known.
    assert np.flatnonzero(~known).tolist() == list(range(10, 19))
    assert found.filled == 11 * 2 - 3
    assert np.nansum(found.panel.trips) == 6
    # Zeros that are written for all areas are no better known than rows that are left out.
    zeros = "".join(f"2022-10-01 {hour}:00:00,1,0\n" for hour in range(10, 19))
    stated = counts(tmp_path, HEADER + rows + zeros)
    np.testing.assert_array_equal(stated.panel.trips, found.panel.trips)
    assert stated.filled == found.filled


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "lacks the columns hour, area, trips"),
        (HEADER + "noon,1,2\n", "column hour must be an hour, such as .* row 1: 'noon'"),
        (HEADER + "2022-10-01 00:30:00,1,2\n", "column hour must be the start of an hour"),
        (HEADER + "2022-10-01T00:00:00+05:30,1,2\n", "column hour must be the start of an hour"),
        (HEADER + "2022-02-30 00:00:00,1,2\n", "row 1: '2022-02-30 00:00:00'"),
        (HEADER + "２０２２-10-01 00:00:00,1,2\n", "column hour must be an hour"),  # noqa: RUF001
        (HEADER + "2022-10-01 00:00:00,1,x\n", "column trips must be a whole number .* 'x'"),
        (HEADER + "2022-10-01 00:00:00,1,2.5\n", "column trips must be a whole number"),
        (HEADER + "2022-10-01 00:00:00,1.5,2\n", "column area must be a whole number"),
        (HEADER + "2022-10-01 00:00:00,1,1_000\n", "column trips must be a whole .* '1_000'"),
        (HEADER + "2022-10-01 00:00:00,1,nan\n", "column trips must be a whole number"),
        (HEADER + "2022-10-01 00:00:00,1,NA\n", "column trips must be a whole number"),
        (HEADER + "2022-10-01 00:00:00,1,inf\n", "column trips must be a whole number"),
        (HEADER + "2022-10-01 00:00:00,1,１２\n", "column trips must be a whole"),  # noqa: RUF001
        (HEADER + "2022-10-01 00:00:00,,2\n", "column area must be a whole number .* row 1: ''"),
        (HEADER + "2022-10-01 00:00:00,1\n", "column trips must be a whole number .* row 1: ''"),
        (HEADER + "2022-10-01 00:00:00,1,-2\n", "not negative; row 1: '-2'"),
        (HEADER + "2022-10-01 00:00:00,1,2,9\n", "cannot be read as CSV"),
        (HEADER + "1822-10-01 00:00:00,1,2\n2022-10-01 00:00:00,1,2\n", "wrong date"),
        (HEADER + "9999-10-01 00:00:00,1,2\n", "column hour must be an hour"),
        (HEADER, "has no rows"),
        (HEADER + "2022-10-01 00:00:00,1,2\n2022-10-01 00:00:00,1,3\n", "area 1 twice"),
        ("Hour,area,Trips\n2022-10-01,1,2\n", "It has 'Hour', 'Trips': write names exactly so"),
        ("hour,area,trips,trips\n2022-10-01,1,2,2\n", "has the column trips twice"),
        ("hour;area;trips\n2022-10-01;1;2\n", "is separated by semicolons"),
        ("hour\tarea\ttrips\n2022-10-01\t1\t2\n", "is separated by tabs"),
        (b"PK\x03\x04rest", "spreadsheet"),
        ("hour,area,trips\n2022-10-01,1,2\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_counts_that_cannot_be_used_are_refused(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        counts(tmp_path, text)


@pytest.mark.parametrize(
    "header",
    [
        ",hour,area,trips",  # written by pandas with its index
        "Trips,hour,area,trips",
        "temp,hour,area,trips",
        '"a\n""name"" of two, lines",hour,area,trips',
        "caf\xe9,hour,area,trips",
    ],
)
def test_other_columns_are_not_read_whatever_their_name(tmp_path: Path, header: str) -> None:
    text = f"{header}\nx\xe9,2022-10-01 00:00:00,1,2\n".encode("latin-1")
    assert counts(tmp_path, text).panel.trips.tolist() == [[2.0]]


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(st.sampled_from("0123456789+-.eE_ ,$xnaif１"), max_size=6),  # noqa: RUF001
        st.integers(0, 10**15).map(str),
        st.floats(0, 1e6).map(repr),
    )
)
def test_numbers_are_read_by_the_one_grammar(
    tmp_path_factory: pytest.TempPathFactory, cell: str
) -> None:
    number = parse_number(cell)
    text = f'{HEADER}2022-10-01 00:00:00,1,"{cell}"\n'
    folder = tmp_path_factory.mktemp("counts")
    if number is not None and number >= 0 and number == int(number) and number <= 2**53:
        assert counts(folder, text).panel.trips.tolist() == [[np.float32(number)]]
    else:
        with pytest.raises(DataError, match="column trips must be"):
            counts(folder, text)


ZONES = st.sampled_from(["America/Chicago", "UTC", "Asia/Kolkata", "Europe/Berlin"])


@settings(max_examples=60, deadline=None)
@given(
    start=st.datetimes(pd.Timestamp("2022-01-01"), pd.Timestamp("2023-12-01")),
    zone=ZONES,
    form=st.sampled_from(["%z", "colon"]),
)
def test_hours_with_a_zone_are_converted_to_chicagos_clock(
    tmp_path_factory: pytest.TempPathFactory, start: pd.Timestamp, zone: str, form: str
) -> None:
    instants = pd.date_range(start, periods=30, freq="h", tz="UTC").floor("h")
    local = instants.tz_convert("America/Chicago")
    # Whole hours of Chicago's clock are half ones in Kolkata.
    shown = instants.tz_convert(zone)
    texts = [one.strftime("%Y-%m-%dT%H:%M:%S%z") for one in shown]
    if form == "colon":
        texts = [f"{one[:-2]}:{one[-2:]}" for one in texts]
    rows = "".join(f"{text},1,{place + 1}\n" for place, text in enumerate(texts))
    found = counts(tmp_path_factory.mktemp("counts"), HEADER + rows)
    expected = (
        pd.Series(range(1, 31), index=local.tz_localize(None)).groupby(level=0).sum().astype(float)
    )
    assert found.converted == 30
    hours = pd.DatetimeIndex(found.panel.hours)
    known = np.isfinite(found.panel.trips[:, 0])
    assert hours[known].tolist() == expected.index.tolist()
    assert found.panel.trips[known, 0].tolist() == expected.tolist()


def test_the_two_halves_of_the_repeated_hour_are_added_up(tmp_path: Path) -> None:
    rows = "2022-11-06T06:00:00Z,1,2\n2022-11-06T07:00:00Z,1,2\n2022-11-06T07:00:00Z,1,2\n"
    found = counts(tmp_path, HEADER + rows)
    assert str(found.panel.start) == "2022-11-06T01"
    assert found.panel.trips.tolist() == [[4.0]]
    assert found.duplicates == 1


def test_zones_are_reported_and_not_mixed(tmp_path: Path) -> None:
    messages: list[str] = []
    path = tmp_path / "counts.csv"
    path.write_text(HEADER + "2022-10-01T00:00:00-05:00,1,2\n")
    _, about = read_history(path, notice=messages.append)
    assert about["converted_to_chicagos_clock"] == 1
    assert messages == [
        f"{path}: the hours of 1 row have a zone; they were converted to Chicago's clock."
    ]
    path.write_text(HEADER + "2022-10-01 13:00:00 UTC,1,2\n")
    panel, _ = read_history(path, notice=messages.append)
    assert str(panel.start) == "2022-10-01T13"
    assert "labelled UTC, as in BigQuery" in messages[1]
    path.write_text(HEADER + "2022-10-01T00:00:00Z,1,2\n2022-10-01 13:00:00,1,2\n")
    with pytest.raises(DataError, match="has hours with a zone and without a zone"):
        read_counts(path)


def test_the_skipped_hour_is_not_filled_with_zeros(tmp_path: Path) -> None:
    found = counts(tmp_path, HEADER + "2025-03-09 00:00:00,1,2\n2025-03-09 04:00:00,1,3\n")
    unknown = np.isnan(found.panel.trips[:, 0]).tolist()
    assert unknown == [False, False, True, False, False]


def test_trips_in_the_skipped_hour_are_left_out_and_reported(tmp_path: Path) -> None:
    messages: list[str] = []
    path = tmp_path / "counts.csv"
    path.write_text(HEADER + "2025-03-09 01:00:00,1,2\n2025-03-09 02:00:00,1,3\n")
    found = read_counts(path, notice=messages.append)
    assert np.nansum(found.panel.trips) == 2
    assert messages[0].startswith(f"{path}: left out 3 trips at 2025-03-09 02:00:00, an hour that")
    path.write_text(HEADER + "2025-03-09 01:00:00,1,2\n2025-03-09 02:00:00,1,0\n")
    read_counts(path, notice=messages.append)
    assert len(messages) == 1


def test_compressed_counts_are_read_like_others(tmp_path: Path, hourly_frame: pd.DataFrame) -> None:
    path = tmp_path / "counts.csv.gz"
    hourly_frame.to_csv(path, index=False)
    skipped = hourly_frame["hour"] == pd.Timestamp("2025-03-09 02:00")
    there = hourly_frame[~skipped]
    assert np.nansum(read_counts(path).panel.trips) == there["trips"].sum()


def test_the_real_counts_are_complete_and_their_duplicates_are_one_hour(real_data: Path) -> None:
    path = real_data / "hourly_tract_2022-10_11.csv"
    found = read_counts(path)
    table = pd.read_csv(path)
    keys = ["GEOID", "interval60"]
    # The hour that the clock shows twice, joined to both of its weather reports.
    assert set(table[table.duplicated(keys)]["interval60"]) == {"2022-11-06 01:00:00"}
    assert found.duplicates == 13
    assert found.panel.trips.shape == (61 * 24, 221)
    # The longest time without a trip is seven hours of a night: nothing is unknown.
    assert np.isfinite(found.panel.trips).all()
    assert found.panel.trips.sum() == table.drop_duplicates(keys)["trip_count"].sum()
