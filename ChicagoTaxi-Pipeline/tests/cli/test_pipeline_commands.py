"""The pipeline's commands as whole processes: stopped, killed, and out of disk."""

import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from chicagotaxi.cli import app
from chicagotaxi.sample.files import write_sample
from chicagotaxi.sample.trips import SampleOptions
from chicagotaxi.schema import read_status
from servicekit.files import DataError
from stopping import stop_when
from trips import clean, contents, run, trip, write
from typer.testing import CliRunner

# What is on disk when each step has begun, seen from the output folder.
STEPS = {
    "beginning": ".staging-*/new",
    "writing trips": ".staging-*/new/trips",
    "adding first trips": ".staging-*/temporary/firsts",
    "summing up": ".staging-*/new/hourly",
}

invoke = CliRunner().invoke


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.csv"
    write_sample(path, SampleOptions(60_000, days=300))
    return path


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond a size: the error of a full disk, as `ulimit -f` makes it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # What is imported meanwhile would be kept cut off, and break its next import.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = kept


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_run_leaves_the_output_as_it_was_and_the_next_one_does_its_work(
    sample: Path, tmp_path: Path, step: str
) -> None:
    out = tmp_path / "out"
    run(write(tmp_path / "before.csv", [trip("before", start="01/06/2023 08:45:00 PM")]), out)
    before = contents(out)
    assert (
        stop_when(out, STEPS[step], signal.SIGKILL, "etl", sample, "--out", out) == -signal.SIGKILL
    )
    after = contents(out)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith(".staging") for name in set(after) - set(before))
    status = run(sample, out)
    assert status.rows_kept == len(clean(out))
    assert not [name for name in contents(out) if name.startswith(".")]


def test_a_stopped_run_leaves_nothing_behind(sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert stop_when(out, STEPS["beginning"], signal.SIGTERM, "etl", sample, "--out", out) == 143
    assert contents(out) == {}


@pytest.mark.parametrize("size", [4_000, 60_000])
def test_a_disk_that_is_full_leaves_the_output_as_it_was(
    sample: Path, tmp_path: Path, size: int
) -> None:
    out = tmp_path / "out"
    run(write(tmp_path / "before.csv", [trip("before")]), out)
    before = contents(out)
    with pytest.raises(DataError, match="File too large"), largest_file(size):
        run(sample, out)
    assert contents(out) == before


def test_etl_prints_the_count_of_every_rule(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [trip("a"), trip("b", pickup_area="")])
    out, lost = tmp_path / "out", tmp_path / "lost.parquet"
    command = ["etl", str(path), "--out", str(out), "--quarantine", str(lost)]
    result = invoke(app, [*command, "--max-dropped", "0.5"])
    assert result.exit_code == 0, result.output
    assert "2 rows of 1 file" in result.output
    assert "no_pickup_area" in result.output
    status = read_status(out)
    assert status is not None
    assert (status.rows_read, status.rows_kept) == (2, 1)
    assert pd.read_parquet(lost)["trip_id"].tolist() == ["b"]


def test_generate_prints_the_dirty_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    result = invoke(app, ["generate", str(path), "--rows", "10000", "--dialect", "api"])
    assert result.exit_code == 0
    assert "Wrote 10,000 synthetic trips" in result.output
    assert "no_pickup_area: 900" in result.output
    result = invoke(app, ["generate", str(path), "--rows", "100", "--dirt", "0"])
    assert "0 of them dirty" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["etl", "none.csv"], "none.csv does not exist"),
        (["etl", "none.csv", "--engine", "dask"], "Give duckdb or pyspark"),
        (["etl", "none.csv", "--spark", "x"], "give a setting as NAME=VALUE"),
        (["generate", "none/a.csv"], "none/a.csv cannot be written"),
        (["generate", "a.csv", "--dialect", "x"], "There is no dialect 'x'"),
        (["fetch", "--first", "2023-01-02", "--last", "2023-01-01", "x"], "is before the first"),
    ],
)
def test_unusable_input_ends_with_code_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(app, arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["generate", "fetch", "etl"])
def test_every_command_has_a_help(command: str) -> None:
    result = invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output
