"""Zones, numbers and names of columns: the same right values on DuckDB and on Spark."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from chicagotaxi.schema import PipelineStatus, read_status
from odd_files import Expected, write_names, write_numbers, write_zones
from servicekit.testing.spark_run import needs_spark
from spark_jobs import run_engine
from trips import clean


@dataclass(frozen=True)
class Outcome:
    """What came of the files on one engine."""

    trips: pd.DataFrame
    lost: pd.DataFrame
    status: PipelineStatus


@pytest.fixture(
    scope="module",
    params=[
        "duckdb",
        pytest.param(
            "pyspark",
            marks=[
                *(needs_spark, pytest.mark.slow, pytest.mark.nightly),
                pytest.mark.timeout(900),
            ],
        ),
    ],
)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def files(engine: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Expected]:
    folder, expected = tmp_path_factory.mktemp("odd"), Expected()
    write_zones(folder / "zones", expected, few=engine == "pyspark")
    write_numbers(folder / "numbers.csv", expected)
    write_names(folder / "names", expected)
    return folder, expected


@pytest.fixture(scope="module")
def outcome(
    engine: str, files: tuple[Path, Expected], tmp_path_factory: pytest.TempPathFactory
) -> Outcome:
    out = tmp_path_factory.mktemp(engine)
    run_engine(engine, "local[2]", [files[0]], out)
    status = read_status(out / "out")
    assert status is not None
    lost = pd.read_parquet(out / "dropped.parquet")
    return Outcome(clean(out / "out").set_index("trip_id"), lost, status)


def test_every_zone_unit_and_form_of_text_gives_chicagos_clock(
    files: tuple[Path, Expected], outcome: Outcome
) -> None:
    starts = outcome.trips["start"].to_dict()
    expected = files[1].starts
    differing = {one: (starts[one], expected[one]) for one in starts.keys() & expected.keys()
                 if starts[one] != expected[one]}  # fmt: skip
    assert differing == {}
    assert starts.keys() == expected.keys() | {one for one in starts if one.startswith("fare")}


def test_times_with_a_zone_are_counted_by_mark(
    files: tuple[Path, Expected], outcome: Outcome
) -> None:
    assert outcome.status.marked == files[1].marked


def test_numbers_follow_the_grammar(files: tuple[Path, Expected], outcome: Outcome) -> None:
    assert _differing(outcome.trips["miles"], files[1].miles) == {}
    assert _differing(outcome.trips["fare"], files[1].fares) == {}


def _differing(
    column: "pd.Series[float]", expected: Mapping[str, float | None]
) -> dict[str, tuple[float | None, float | None]]:
    found = {one: None if math.isnan(value) else value for one, value in column.to_dict().items()}
    return {one: (found[one], value) for one, value in expected.items() if found[one] != value}


def test_every_other_row_is_dropped_under_its_rule(
    files: tuple[Path, Expected], outcome: Outcome
) -> None:
    rules = dict(zip(outcome.lost["trip_id"], outcome.lost["rule"], strict=True))
    expected = files[1].dropped
    differing = {one: (rules.get(one), expected.get(one)) for one in rules.keys() | expected.keys()
                 if rules.get(one) != expected.get(one)}  # fmt: skip
    assert differing == {}


def test_columns_of_any_other_name_are_not_read(
    files: tuple[Path, Expected], outcome: Outcome
) -> None:
    named = [one for one in files[1].starts if one.startswith(("csv ", "parquet ", "bytes"))]
    assert len(named) == 28
    assert set(named) <= set(outcome.trips.index)
    assert set(outcome.trips.loc[named, "fare"]) == {8.75}
