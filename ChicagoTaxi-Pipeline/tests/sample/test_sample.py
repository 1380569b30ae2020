from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chicagotaxi.city import CITY
from chicagotaxi.etl.rules import NAMES
from chicagotaxi.sample.files import write_sample
from chicagotaxi.sample.patterns import intensities
from chicagotaxi.sample.trips import DIRT, SampleOptions, generate_chunks
from chicagotaxi.sources.dialects import DIALECTS
from progress_recorder import ProgressRecorder
from servicekit.files import DataError
from trips import clean, dropped, run

SUFFIXES = ("csv", "csv.gz", "parquet")


@pytest.mark.parametrize("dialect", [one.name for one in DIALECTS])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_pipeline_drops_exactly_the_generated_dirt(
    tmp_path: Path, dialect: str, suffix: str
) -> None:
    path = tmp_path / f"sample.{suffix}"
    # Enough that every kind of dirt has rows, and that there are two chunks.
    options = SampleOptions(
        260_000, seed=7, dirt={name: max(share, 0.0005) for name, share in DIRT.items()}
    )
    recorder = ProgressRecorder()
    summary = write_sample(path, options, dialect=dialect, progress=recorder)
    status = run(path, tmp_path / "out")
    assert status.rows_read == summary.rows == sum(recorder.amounts) == 260_000
    assert dropped(status) == summary.dirt
    assert min(summary.dirt.values()) >= 130
    if suffix != "parquet":
        assert set(summary.dirt) == set(NAMES) - {"header_among_rows"}


def test_clean_samples_are_clean(tmp_path: Path) -> None:
    write_sample(tmp_path / "a.csv", SampleOptions(20_000, dirt={}))
    assert dropped(run(tmp_path / "a.csv", tmp_path / "out")) == {}
    assert clean(tmp_path / "out")["trip_id"].is_unique


def test_the_same_seed_gives_the_same_file_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_sample(tmp_path / f"{name}.csv", SampleOptions(3_000, seed=seed))
    one, same, other = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert one == same != other


def test_the_columns_are_those_of_the_real_files(tmp_path: Path, real_data: Path) -> None:
    for dialect, name in (
        ("portal", "trips_2013-2016_portal.csv"),
        ("api", "trips_2022-03-01_api.parquet"),
    ):
        real = real_data / name
        path = tmp_path / f"a{real.suffix}"
        write_sample(path, SampleOptions(50), dialect=dialect)
        read = pd.read_csv if real.suffix == ".csv" else pd.read_parquet
        sample, truth = read(path), read(real)
        assert set(sample.columns) == set(truth.columns)
        if real.suffix == ".parquet":
            assert sample.dtypes.to_dict() == truth.dtypes.to_dict()


def test_demand_has_days_weeks_seasons_places_and_holidays() -> None:
    hours, rate = intensities(date(2023, 1, 1), 365, seed=3)
    assert len(hours) == 365 * 24 - 1
    assert rate.sum() == pytest.approx(1.0)
    assert (rate > 0).all()
    times = pd.DatetimeIndex(hours)
    by_area = rate.sum(axis=0)
    assert by_area[np.array(CITY.downtown) - 1].sum() > 0.4
    assert 0.1 < by_area[np.array(CITY.airports) - 1].sum() < 0.25
    city = pd.Series(rate.sum(axis=1), index=times)
    by_hour = city.groupby([times.dayofweek, times.hour]).mean()
    assert by_hour[1][17] > 5 * by_hour[1][3]
    night_life = pd.Series(rate[:, 5], index=times)
    late = night_life.groupby([times.dayofweek, times.hour]).mean()
    assert late[5][1] > 2 * late[1][1]
    daily = city.resample("D").sum()
    assert daily["2023-06"].mean() > 1.1 * daily["2023-01"].mean()
    assert daily["2023-11-23"] < 0.9 * daily[["2023-11-16", "2023-11-30"]].mean()
    assert city["2023-01-01 01:00"] > 2 * city["2023-01-08 01:00"]


def test_chunks_are_bounded_however_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chicagotaxi.sample.trips.CHUNK_ROWS", 100)
    chunks = [len(chunk.taxi) for chunk in generate_chunks(SampleOptions(250))]
    assert chunks == [100, 100, 50]


@pytest.mark.parametrize(
    ("name", "options", "dialect", "message"),
    [
        ("a.csv", SampleOptions(10), "uber", "There is no dialect 'uber'. Give one of portal, api"),
        ("a.xlsx", SampleOptions(10), "api", "name it .csv, .csv.gz or .parquet"),
        ("none/a.csv", SampleOptions(10), "api", "cannot be written"),
        ("a.csv", SampleOptions(10, dirt={"no_trip_id": 2.0}), "api", "more dirt than"),
    ],
)
def test_impossible_options_are_refused(
    tmp_path: Path, name: str, options: SampleOptions, dialect: str, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        write_sample(tmp_path / name, options, dialect=dialect)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []
