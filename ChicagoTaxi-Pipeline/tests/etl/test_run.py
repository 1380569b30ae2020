import dataclasses
import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from chicagotaxi.arrow_schemas import hourly_schema
from chicagotaxi.cli import app
from chicagotaxi.cli.display import show_status
from chicagotaxi.etl.engines import EngineOptions, duckdb
from chicagotaxi.etl.engines.bloom_filter import BloomFilter
from chicagotaxi.etl.engines.duckdb import DuckDBEngine
from chicagotaxi.etl.engines.partitions import PartitionedWriter
from chicagotaxi.etl.rules import DUPLICATE
from chicagotaxi.etl.run import run_etl
from chicagotaxi.etl.run_steps import EtlRun
from chicagotaxi.schema import PipelineStatus, read_status
from pydantic import ValidationError
from servicekit.files import DataError
from trips import API, BIGQUERY, NOW, PORTAL, clean, contents, dropped, hourly, run, trip, write
from typer.testing import CliRunner


def refusal(inputs: Path, out: Path) -> str:
    """The message of a refused run, which must leave an existing output as it was."""
    run(write(out.parent / "before.csv", [trip("before")]), out)
    before = contents(out)
    with pytest.raises(DataError) as caught:
        run(inputs, out)
    assert contents(out) == before
    assert not [path.name for path in out.iterdir() if path.name.startswith(".staging")]
    return str(caught.value)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_three_dialects_in_one_run_give_the_same_trips(tmp_path: Path, out: Path) -> None:
    for dialect in (PORTAL, API, BIGQUERY):
        write(tmp_path / "in" / f"{dialect.name}.csv", [trip(dialect.name, dialect)], dialect)
    status = run(tmp_path / "in", out)
    assert [(one.dialect, one.rows) for one in status.inputs] == [
        ("api", 1),
        ("bigquery", 1),
        ("portal", 1),
    ]
    trips = clean(out)
    assert trips["trip_id"].tolist() == ["api", "bigquery", "portal"]
    assert len(trips.drop(columns="trip_id").drop_duplicates()) == 1
    first = trips.iloc[0]
    assert (first["start"], first["end"]) == (
        pd.Timestamp("2023-04-06 20:45"),
        pd.Timestamp("2023-04-06 21:00"),
    )
    assert (first["pickup_area"], first["fare"], first["miles"], first["seconds"]) == (
        8,
        8.75,
        1.5,
        600,
    )
    assert (first["pickup_tract"], first["year"], first["month"]) == (17031081403, 2023, 4)
    assert pd.isna(first["dropoff_tract"])


def test_demand_is_on_the_complete_grid_of_the_hours_that_are_known(
    tmp_path: Path, out: Path
) -> None:
    rows = [
        trip("a", start="04/06/2023 08:45:00 PM", fare="$10.00", miles="1"),
        trip("b", start="04/06/2023 08:00:00 PM", fare="$20.01", miles=""),
        trip("d", start="04/07/2023 04:59:00 AM", end="", pickup_area="76", fare="$1", miles=""),
        trip("c", start="04/08/2023 12:00:00 AM", end="", pickup_area="77", fare="", miles="3"),
    ]
    status = run(write(tmp_path / "a.csv", rows), out)
    table = pq.read_table(next((out / "hourly").rglob("*.parquet")), partitioning=None)
    assert table.schema.remove_metadata() == hourly_schema()
    grid = table.to_pandas()
    assert len(grid) == 10 * 77
    assert grid["hour"].iloc[0] == pd.Timestamp("2023-04-06 20:00")
    assert grid["hour"].iloc[-1] == pd.Timestamp("2023-04-08")
    assert grid[["hour", "area"]].equals(grid[["hour", "area"]].sort_values(["hour", "area"]))
    assert not grid.duplicated(["hour", "area"]).any()
    busy = grid[grid["trips"] > 0]
    assert busy.to_numpy().tolist()[0][1:] == [8, 2, 15.005, 1.0]
    assert busy["area"].tolist() == [8, 76, 77]
    assert np.isnan(busy["avg_fare"].iloc[2])
    assert busy["avg_miles"].iloc[2] == 3.0
    idle = grid[grid["trips"] == 0]
    assert idle["avg_fare"].isna().all()
    assert idle["avg_miles"].isna().all()
    assert (status.hours, status.months) == (10, ["2023-04"])
    assert status.first_hour == datetime(2023, 4, 6, 20)  # noqa: DTZ001
    assert status.last_hour == datetime(2023, 4, 8)  # noqa: DTZ001


def test_days_without_trips_are_unknown_and_reported(
    tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        trip("t1", start="03/01/2022 10:00:00 PM", end=""),
        trip("t2", start="03/03/2022 05:00:00 AM", end=""),
        trip("t3", start="04/01/2022 12:00:00 AM", end=""),
    ]
    messages: list[str] = []
    status = run_etl([write(tmp_path / "a.csv", rows)], out, now=NOW, notice=messages.append)
    assert hourly(out).groupby("hour")["trips"].sum().to_dict() == {
        pd.Timestamp("2022-03-01 22:00"): 1,
        pd.Timestamp("2022-03-03 05:00"): 1,
        pd.Timestamp("2022-04-01 00:00"): 1,
    }
    assert (status.unknown_hours, status.unknown_stretches_in_all) == (30 + 689, 2)
    assert [(str(one.first), str(one.last), one.hours) for one in status.unknown_stretches] == [
        ("2022-03-01 23:00:00", "2022-03-03 04:00:00", 30),
        # From 3 March 06:00 to the end of the month, without the hour that the clock skips.
        ("2022-03-03 06:00:00", "2022-03-31 23:00:00", 689),
    ]
    assert read_status(out) == status
    [notice] = messages
    assert notice == (
        "719 hours are unknown: 2022-03-01 23:00 to 2022-03-03 04:00 (30 h); 2022-03-03 06:00 to "
        "2022-03-31 23:00 (689 h). They are left out of the demand, not counted as zeros."
    )
    show_status(status, out)
    assert "without 719 unknown hours in 2 stretches" in " ".join(capsys.readouterr().out.split())


def test_the_skipped_hour_is_not_on_the_grid_and_the_repeated_one_once(
    tmp_path: Path, out: Path
) -> None:
    rows = [
        trip("a", start="03/12/2023 01:45:00 AM", end=""),
        trip("b", start="03/12/2023 03:00:00 AM", end=""),
        trip("c", start="03/12/2023 02:00:00 AM", end=""),
        # The two hours from 01:00 to 02:00 of the night in November are one of the clock's.
        trip("d", start="11/05/2023 01:15:00 AM", end="11/05/2023 01:45:00 AM"),
        trip("e", start="11/05/2023 01:45:00 AM", end="11/05/2023 01:15:00 AM"),
    ]
    status = run(write(tmp_path / "a.csv", rows), out)
    assert dropped(status) == {"start_in_skipped_hour": 1}
    demand = hourly(out)
    march, november = demand[demand["hour"].dt.month == 3], demand[demand["hour"].dt.month == 11]
    assert march["hour"].dt.hour.unique().tolist() == [1, 3]
    assert november["hour"].dt.hour.unique().tolist() == [1]
    assert demand.loc[demand["trips"] > 0, "trips"].tolist() == [1, 1, 2]


def test_a_month_that_is_run_again_is_replaced_and_nothing_else(tmp_path: Path, out: Path) -> None:
    rows = [trip("a"), trip("b", start="05/06/2023 08:45:00 PM", end="")]
    run(write(tmp_path / "a.csv", rows), out)
    before = contents(out)
    again = [trip("c"), trip("d", start="04/07/2023 08:45:00 PM", end="")]
    status = run(write(tmp_path / "b.csv", again), out)
    after = contents(out)
    assert status.months == ["2023-04"]
    assert sorted(clean(out)["trip_id"]) == ["b", "c", "d"]
    may = {name: data for name, data in before.items() if "month=5" in name}
    assert may == {name: data for name, data in after.items() if "month=5" in name}
    assert not set(before) & set(after) - set(may) - {"status.json"}


def test_the_result_for_a_month_does_not_depend_on_other_months_of_the_run(tmp_path: Path) -> None:
    april = [trip("x"), trip("y", start="04/30/2023 11:45:00 PM", end="")]
    may = [trip("x", start="05/01/2023 12:00:00 AM", end=""), trip("z", start="")]
    write(tmp_path / "in" / "april.csv", april)
    write(tmp_path / "in" / "may.csv", may)
    run(tmp_path / "in", tmp_path / "together")
    for name in ("april", "may"):
        run(tmp_path / "in" / f"{name}.csv", tmp_path / "apart")
    pd.testing.assert_frame_equal(clean(tmp_path / "together"), clean(tmp_path / "apart"))
    pd.testing.assert_frame_equal(hourly(tmp_path / "together"), hourly(tmp_path / "apart"))


def test_of_one_identifier_and_month_the_first_of_the_input_is_kept(tmp_path: Path) -> None:
    fares = {"1.csv": (3, 2), "2.csv": (4, 1)}
    for name, given in fares.items():
        trips = [trip("a", fare=f"${fare}.00") for fare in given]
        # A trip that breaks a rule does not count as an earlier one.
        write(tmp_path / "in" / name, [trip("a", fare="$-9.00"), *trips, trip(name)])
    status = run(tmp_path / "in", tmp_path / "out", quarantine=tmp_path / "dropped.parquet")
    assert dropped(status) == {"negative_amount": 2, DUPLICATE: 3}
    kept = clean(tmp_path / "out")
    assert kept.set_index("trip_id")["fare"].to_dict() == {"a": 3.0, "1.csv": 8.75, "2.csv": 8.75}
    messages = pd.read_parquet(tmp_path / "dropped.parquet")
    messages = messages[messages["rule"] == DUPLICATE]
    assert sorted(
        zip(messages["source"].map(lambda one: Path(one).name), messages["fare"], strict=True)
    ) == [
        ("1.csv", "$2.00"),
        ("2.csv", "$1.00"),
        ("2.csv", "$4.00"),
    ]


def test_a_stray_trip_does_not_replace_its_month(tmp_path: Path, out: Path) -> None:
    march = [trip(f"{n}", start=f"03/0{n}/2023 08:45:00 PM", end="") for n in range(1, 7)]
    run(write(tmp_path / "march.csv", march), out)
    before = contents(out)
    april = [trip("a"), trip("stray", start="03/31/2023 11:59:00 PM", end="")]
    path = write(tmp_path / "april.csv", april)
    with pytest.raises(DataError, match=r"2023-03 has 6 trips and would have 1\. .*--replace"):
        run(path, out)
    assert contents(out) == before
    half = run(write(tmp_path / "half.csv", march[:3]), out)
    assert {month: (one.before, one.now) for month, one in half.month_trips.items()} == {
        "2023-03": (6, 3)
    }
    path = write(tmp_path / "one.csv", march[:1])
    result = CliRunner().invoke(app, ["etl", str(path), "--out", str(out), "--replace"])
    assert result.exit_code == 0, result.output
    assert "2023-03: 3 -> 1 trip\n" in result.output
    assert "Wrote 1 month, 2023-03" in result.output


def test_a_damaged_status_is_reported_and_written_again(tmp_path: Path, out: Path) -> None:
    path = write(tmp_path / "a.csv", [trip("a")])
    run(path, out)
    (out / "status.json").write_text('{"run_id": "r"}')
    with pytest.raises(
        DataError, match=r"is not a status of this pipeline: .* Remove it; the next"
    ):
        read_status(out)
    result = CliRunner().invoke(app, ["etl", str(path), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "status.json is not a status of this pipeline" in result.stderr
    assert read_status(out) is not None


def test_a_file_with_a_header_only_has_no_rows(tmp_path: Path, out: Path) -> None:
    write(tmp_path / "in" / "a.csv", [])
    write(tmp_path / "in" / "b.csv", [trip("b")])
    assert [one.rows for one in run(tmp_path / "in", out).inputs] == [0, 1]
    assert run(tmp_path / "in" / "a.csv", tmp_path / "none").rows_read == 0


def test_compressed_files_are_read_like_others(tmp_path: Path, out: Path) -> None:
    run(write(tmp_path / "a.csv.gz", [trip("a")]), out)
    assert clean(out)["trip_id"].tolist() == ["a"]


def test_names_with_blanks_quotes_and_signs_are_names(tmp_path: Path, out: Path) -> None:
    path = write(tmp_path / "it's 100% + a name.csv", [trip("a")])
    status = run(path, out)
    assert [(one.path, one.rows) for one in status.inputs] == [(str(path), 1)]


@pytest.mark.parametrize("name", ["a[1].csv", "a*.csv", "a?.csv", "{a,b}.csv", "[a/b]1.csv"])
def test_a_name_that_looks_like_a_pattern_is_a_name(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "in" / name, [trip("mine")])
    write(tmp_path / "in" / "a1.csv", [trip("another")])
    out = tmp_path / "out[1]*"
    status = run(path, out, quarantine=tmp_path / "lost[1].parquet")
    assert [one.path for one in status.inputs] == [str(path)]
    assert clean(out)["trip_id"].tolist() == ["mine"]
    assert run(tmp_path / "in", out).rows_kept == 2


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_folder_name_adds_no_column(tmp_path: Path, out: Path, form: str) -> None:
    path = write(tmp_path / "company=EVIL" / "a.csv", [trip("a", company="Flash Cab")])
    if form == "parquet":
        table = pd.read_csv(path, dtype=str)
        path.unlink()
        path = path.with_suffix(".parquet")
        table.to_parquet(path)
    run(path, out)
    assert clean(out)["company"].tolist() == ["Flash Cab"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_column_named_source_is_not_read(tmp_path: Path, out: Path, form: str) -> None:
    path = write(tmp_path / "a.csv", [trip("a")])
    table = pd.read_csv(path, dtype=str).assign(source="x", filename="y")
    table.to_csv(path, index=False)
    if form == "parquet":
        path = tmp_path / "a.parquet"
        table.to_parquet(path)
    status = run(path, out, quarantine=tmp_path / "lost.parquet")
    assert [(one.path, one.rows) for one in status.inputs] == [(str(path), 1)]


@pytest.mark.parametrize("inputs", [["a.csv"], ["a.csv", "c.csv"]])
def test_rows_of_other_files_than_the_inputs_are_refused(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch, inputs: list[str]
) -> None:
    for name in inputs:
        write(tmp_path / name, [trip(name)])
    other = write(tmp_path / "b.csv", [trip("b")])
    read = DuckDBEngine.read
    monkeypatch.setattr(
        DuckDBEngine,
        "read",
        lambda self, group: read(self, dataclasses.replace(group, paths=(other,))),
    )
    with pytest.raises(DataError, match="A file was read that is not an input"):
        run([tmp_path / name for name in inputs], out)


def test_rows_that_an_engine_leaves_out_are_noticed(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write(tmp_path / name, [trip(name)]) for name in ("a.csv", "c.csv")]
    empty = write(tmp_path / "b.csv", [])
    read = DuckDBEngine.read
    monkeypatch.setattr(
        DuckDBEngine,
        "read",
        lambda self, group: read(self, dataclasses.replace(group, paths=(paths[0], empty))),
    )
    with pytest.raises(DataError, match=r"c\.csv has rows that were not read: only 0"):
        run(paths, out)


def test_files_in_the_output_folder_are_not_inputs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write(data / "a.csv", [trip("a")])
    out = data / "pipeline"
    messages: list[str] = []
    for _ in range(2):
        status = run_etl([data], out, now=NOW, notice=messages.append)
        assert [one.path for one in status.inputs] == [str(data / "a.csv")]
    assert messages == [f"Left out 2 of the files found: they are below {out}."]
    with pytest.raises(DataError, match="Every input is below"):
        run(out, out)


def test_the_status_is_that_of_the_last_run(tmp_path: Path, out: Path) -> None:
    assert read_status(out) is None
    status = run(write(tmp_path / "a.csv", [trip("a")]), out)
    assert read_status(out) == status
    assert status.engine == "duckdb"
    assert status.started <= status.finished


def test_a_status_keeps_the_fields_of_the_predictions(tmp_path: Path, out: Path) -> None:
    status = run(write(tmp_path / "a.csv", [trip("a")]), out)
    messages = status.model_copy(update={"forecast_version": "1.0", "predictions": "batch"})
    (out / "status.json").write_text(messages.model_dump_json())
    again = run(tmp_path / "a.csv", out)
    assert (again.forecast_version, again.predictions) == ("1.0", "batch")


def test_a_status_whose_counts_do_not_add_up_is_refused(tmp_path: Path, out: Path) -> None:
    status = run(write(tmp_path / "a.csv", [trip("a"), trip("b", start="")]), out)
    with pytest.raises(ValidationError, match="do not add up"):
        PipelineStatus.model_validate(status.model_dump() | {"rows_kept": 2})


def test_a_truncated_gzip_file_is_refused(tmp_path: Path, out: Path) -> None:
    rows = [trip(f"{number:040x}") for number in range(20_000)]
    path = write(tmp_path / "a.csv.gz", rows)
    path.write_bytes(path.read_bytes()[:-5000])
    message = refusal(path, out)
    assert "a.csv.gz" in message
    assert message.endswith("The file is damaged: get it again.")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda line: line.rsplit(",", 1)[0], "line 25: Expected Number of Columns: 18 Found: 17."),
        (lambda line: line + ",more", "line 25: Expected Number of Columns: 18 Found: 19."),
        (lambda line: '"' + line, "line 25: "),
    ],
)
def test_a_row_of_another_length_is_refused_with_its_line(
    tmp_path: Path, out: Path, change: Callable[[str], str], expected: str
) -> None:
    path = write(tmp_path / "a.csv", [trip(f"{number:040x}") for number in range(40)])
    lines = path.read_text().splitlines()
    lines[24] = change(lines[24])
    path.write_text("\n".join(lines) + "\n")
    message = refusal(path, out)
    assert f"{path}, {expected}" in message
    assert message.endswith("Correct that line, or export the whole table again.")
    assert "strict_mode" not in message
    assert "Possible" not in message


def test_two_dialects_in_one_file_are_refused_or_counted(tmp_path: Path, out: Path) -> None:
    portal = write(tmp_path / "a.csv", [trip("a")]).read_text()
    # Another number of columns: refused.
    api = write(tmp_path / "b.csv", [trip("b", API)], API).read_text()
    path = tmp_path / "mixed.csv"
    path.write_text(portal + "".join(f"{line},more\n" for line in api.splitlines()))
    assert "mixed.csv" in refusal(path, out)
    # As many columns: the second header and what does not fit are counted.
    path.write_text(portal + api)
    status = run(path, out)
    assert status.rows_read == 3
    assert dropped(status) == {"header_among_rows": 1, "start_unreadable": 1}


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path, out: Path) -> None:
    path = write(tmp_path / "a.csv", [trip("a", company="caf\u00e9")])
    path.write_bytes(path.read_bytes().replace("caf\u00e9".encode(), b"caf\xe9"))
    assert "a.csv" in refusal(path, out)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path, out: Path) -> None:
    table = pd.DataFrame([dict(zip(API.columns.values(), trip("a", API).values(), strict=False))])
    table = table.reindex(columns=list(API.columns.values()), fill_value="x" * 10_000)
    path = tmp_path / "a.parquet"
    table.to_parquet(path)
    data = bytearray(path.read_bytes())
    data[10:200] = b"\x00" * 190
    path.write_bytes(bytes(data))
    assert "a.parquet" in refusal(path, out)


@pytest.mark.parametrize("files", [1, 2])
@pytest.mark.parametrize("times", [2, 3])
def test_one_trip_of_each_identifier_is_kept_within_a_file_and_across_two(
    tmp_path: Path, out: Path, files: int, times: int
) -> None:
    write(tmp_path / "in" / "0.csv", [trip("again")] * times + [trip("once")])
    for number in range(1, files):
        write(tmp_path / "in" / f"{number}.csv", [trip("other")])
    status = run(tmp_path / "in", out)
    assert sorted(clean(out)["trip_id"]) == ["again", "once", "other"][: files + 1]
    assert dropped(status) == {DUPLICATE: times - 1}


def test_an_input_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.csv", [trip("a")])
    write_trips = EtlRun.write_trips

    def grow(self: EtlRun) -> object:
        found = write_trips(self)
        write(path, [trip("a"), trip("b")])
        return found

    monkeypatch.setattr(EtlRun, "write_trips", grow)
    with pytest.raises(DataError, match="was changed while it was read"):
        run(path, out)
    assert list(contents(out)) == []


def test_the_first_is_the_first_across_files_and_however_many_rows_are_read_at_a_time(
    tmp_path: Path, out: Path
) -> None:
    # Each file is several times what a thread reads of it at a time; those of a dialect are read
    # together, that of the first file's first.
    rows = 50_000
    identifiers = np.random.default_rng(0).integers(0, 150_000, (4, rows)).astype(str)
    first: dict[str, str] = {}
    others = set[str]()
    for number, dialect in ((0, API), (2, API), (1, PORTAL), (3, PORTAL)):
        places = [f"{number} {row}".ljust(100, "-") for row in range(rows)]
        pairs = list(zip(identifiers[number].tolist(), places, strict=True))
        trips = (trip(one, dialect, company=place) for one, place in pairs)
        write(tmp_path / f"{number}.csv", trips, dialect)
        others |= {place for one, place in pairs if first.setdefault(one, place) != place}
    lost = tmp_path / "lost.parquet"
    status = run(tmp_path, out, quarantine=lost)
    assert status.rows_kept == len(first)
    assert clean(out).set_index("trip_id")["company"].to_dict() == first
    assert dropped(status) == {DUPLICATE: len(others)}
    assert set(pd.read_parquet(lost)["company"]) == others


def test_a_row_that_is_not_written_is_noticed(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.csv", [trip("a"), trip("b")])
    put = PartitionedWriter.write
    monkeypatch.setattr(PartitionedWriter, "write", lambda self, batch: put(self, batch.slice(1)))
    with pytest.raises(DataError, match="2 rows were read, but 1 kept and 0 dropped"):
        run(path, out)
    assert list(contents(out)) == []


@pytest.mark.parametrize("bits", [6, 10])
def test_false_positives_of_the_filter_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    rows = [trip(str(number // 2 if number < 20 else number)) for number in range(300)]
    path = write(tmp_path / "a.csv", [*rows, trip("7", start="05/06/2023 08:45:00 PM", end="")])
    run(path, tmp_path / "one")
    monkeypatch.setattr(duckdb, "BloomFilter", lambda: BloomFilter(bits))
    status = run(path, tmp_path / "other", quarantine=tmp_path / "lost.parquet")
    assert dropped(status) == {DUPLICATE: 10}
    pd.testing.assert_frame_equal(clean(tmp_path / "other"), clean(tmp_path / "one"))
    lost = pd.read_parquet(tmp_path / "lost.parquet")
    assert sorted(lost["trip_id"]) == [str(number) for number in range(10)]


def test_a_quarantine_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, out: Path
) -> None:
    path = write(tmp_path / "a.csv", [trip("a")])
    with pytest.raises(DataError, match="cannot be written"):
        run(path, out, quarantine=tmp_path / "none" / "dropped.parquet")
    assert not out.exists()


def test_an_unknown_engine_and_bad_settings_are_refused(tmp_path: Path, out: Path) -> None:
    path = write(tmp_path / "a.csv", [trip("a")])
    with pytest.raises(DataError, match=r"DuckDB does not start: .*--memory as a number and a"):
        run(path, out, engine=EngineOptions(memory="much"))


def test_what_does_not_fit_into_memory_is_written_to_disk(tmp_path: Path) -> None:
    rows = [trip(f"{number:040x}", company=f"{number}" * 9) for number in range(30_000)]
    path = write(tmp_path / "a.csv.gz", rows)
    little = run(path, tmp_path / "little", engine=EngineOptions(memory="120MB", threads=1))
    assert little.rows_kept == 30_000
    assert not list((tmp_path / "little").glob(".staging*"))


def test_every_real_trip_is_kept_or_dropped_with_a_reason(real_data: Path, tmp_path: Path) -> None:
    status = run(
        [real_data / "trips_2022-03-01_api.parquet", real_data / "trips_2013-2016_portal.csv"],
        tmp_path / "out",
        quarantine=tmp_path / "dropped.parquet",
    )
    assert [one.rows for one in status.inputs] == [1_250, 14_636]
    assert status.rows_kept + sum(status.dropped.values()) == 15_886
    lost = pd.read_parquet(tmp_path / "dropped.parquet")
    assert lost["rule"].value_counts().to_dict() == dropped(status)
    portal = pd.read_csv(real_data / "trips_2013-2016_portal.csv", usecols=["Trip ID"])["Trip ID"]
    api = pd.read_parquet(real_data / "trips_2022-03-01_api.parquet")
    trips = clean(tmp_path / "out")
    assert sorted([*trips["trip_id"], *lost["trip_id"]]) == sorted([*portal, *api["trip_id"]])
    # And demand is what a count of the source says.
    known = api[~api["trip_id"].isin(lost["trip_id"])]
    expected = known.groupby(
        [known["trip_start_timestamp"].dt.floor("h"), known["pickup_community_area"].astype(int)]
    ).agg(trips=("fare", "size"), avg_fare=("fare", "mean"), avg_miles=("trip_miles", "mean"))
    demand = hourly(tmp_path / "out")
    march = demand[(demand["hour"] >= "2022-03-01") & (demand["trips"] > 0)]
    found = march.set_index(["hour", "area"])
    assert found["trips"].tolist() == expected["trips"].tolist()
    np.testing.assert_allclose(found["avg_fare"], expected["avg_fare"], atol=1e-9)
    np.testing.assert_allclose(found["avg_miles"], expected["avg_miles"], atol=0.0051)


def test_concatenated_gzip_members_are_one_file(tmp_path: Path, out: Path) -> None:
    path = write(tmp_path / "a.csv", [trip("a"), trip("b")])
    header, *rows = path.read_text().splitlines(keepends=True)
    both = gzip.compress((header + rows[0]).encode()) + gzip.compress(rows[1].encode())
    (tmp_path / "a.csv.gz").write_bytes(both)
    assert run(tmp_path / "a.csv.gz", out).rows_kept == 2
