"""The same inputs on DuckDB, on Spark in one process, and on Spark with two executor processes."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from chicagotaxi.arrow_schemas import hourly_schema
from chicagotaxi.sample.files import write_sample
from chicagotaxi.sample.trips import SampleOptions
from chicagotaxi.schema import read_status
from servicekit.testing.spark_run import needs_spark
from spark_jobs import run_engine
from trips import clean, hourly, zoo

# Two executor processes are tried for every change, and threads of one process nightly.
MASTERS = (pytest.param("local[2]", marks=pytest.mark.nightly), "local-cluster[2,1,1024]")


# The real files take most of the time.
@pytest.fixture(scope="module", params=["made", pytest.param("real", marks=pytest.mark.nightly)])
def inputs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The zoo, clean and dirty samples in text and in Parquet, and nightly the real files."""
    folder = tmp_path_factory.mktemp("inputs")
    zoo(folder / "zoo")
    # Neither signs of patterns nor what looks like a partition is more than a name.
    sample = folder / "sample [1] {2} + 100% clean" / "company=EVIL"
    sample.mkdir(parents=True)
    options = SampleOptions(2_000, seed=5, days=90)
    write_sample(sample / "portal.csv.gz", options, dialect="portal")
    write_sample(sample / "bigquery.parquet", options, dialect="bigquery")
    # A file of several blocks, in which every other trip comes again: that the first is kept shows
    # that both engines know which it is.
    repeats = SampleOptions(4_000, seed=7, days=30, dirt={"duplicate_trip_id": 0.4})
    write_sample(sample / "repeats.csv", repeats, dialect="portal")
    if request.param == "made":
        return [folder / "zoo", sample]
    real = request.getfixturevalue("real_data").resolve()
    return [folder / "zoo", sample, *sorted(real.glob("trips_*"))]


@pytest.fixture(scope="module")
def duckdb_out(inputs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("duckdb")
    assert run_engine("duckdb", "", inputs, out).startswith("duckdb ")
    return out


def sorted_quarantine(path: Path) -> pd.DataFrame:
    table = pd.read_parquet(path)
    return table.sort_values(table.columns.tolist(), ignore_index=True)


@needs_spark
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("master", MASTERS)
def test_spark_gives_every_row_that_duckdb_gives(
    inputs: list[Path], duckdb_out: Path, tmp_path: Path, master: str
) -> None:
    messages = run_engine("pyspark", master, inputs, tmp_path)
    assert messages.split()[:2] == ["pyspark", master]
    ours, theirs = duckdb_out / "out", tmp_path / "out"
    pd.testing.assert_frame_equal(clean(theirs), clean(ours), check_exact=True)
    # To the last bit, averages too: their sums are of whole hundredths.
    pd.testing.assert_frame_equal(hourly(theirs), hourly(ours), check_exact=True)
    pd.testing.assert_frame_equal(
        sorted_quarantine(tmp_path / "dropped.parquet"),
        sorted_quarantine(duckdb_out / "dropped.parquet"),
    )
    one, other = read_status(theirs), read_status(ours)
    assert one is not None
    assert other is not None
    assert one.engine == f"pyspark {master}"
    assert all(one.dropped.values())
    assert one.unknown_stretches
    differing = {"run_id", "started", "finished", "engine"}
    assert one.model_dump(exclude=differing) == other.model_dump(exclude=differing)
    for kind in ("trips", "hourly"):
        assert schemas(theirs / kind) == schemas(ours / kind)
    assert int(messages.split()[-1]) == len(applied(duckdb_out))
    pd.testing.assert_frame_equal(applied(tmp_path), applied(duckdb_out))


def schemas(folder: Path) -> set[str]:
    return {
        ", ".join(f"{field.name}: {field.type}" for field in pq.read_schema(path))
        for path in folder.rglob("*.parquet")
    }


def applied(out: Path) -> pd.DataFrame:
    table = pq.read_table(out / "applied").to_pandas()
    frame: pd.DataFrame = table.sort_values(["hour", "area"], ignore_index=True)
    return frame


def test_a_batch_function_sees_every_row_in_batches_of_the_size(duckdb_out: Path) -> None:
    expected = hourly(duckdb_out / "out").sort_values(["hour", "area"], ignore_index=True)
    found = applied(duckdb_out)
    assert found["twice"].tolist() == (expected["trips"] * 2.0).tolist()
    assert (
        hourly_schema().field("hour").type
        == pq.read_schema(next((duckdb_out / "applied").rglob("*.parquet"))).field("hour").type
    )
