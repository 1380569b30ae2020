"""Columns that the pipeline does not use are never in its way, and those it does may be missing."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chicagotaxi.cli import app
from chicagotaxi.etl.engines.duckdb_sql import explain
from hypothesis import given, settings
from hypothesis import strategies as st
from servicekit.files import DataError
from trips import API, clean, dropped, run, trip
from typer.testing import CliRunner

OURS = list(API.columns.values())

names = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=8),
        st.sampled_from([name.upper() for name in OURS]),
        st.sampled_from(["__source__", "__row__", "filename", "start", "rule", "", "a\nb", '"']),
    ).filter(lambda name: name not in OURS),
    max_size=6,
)


@settings(max_examples=15, deadline=None)
@given(before=names, between=names, after=names, parquet=st.booleans())
def test_whatever_the_other_columns_are_called_the_trips_are_the_same(
    before: list[str], between: list[str], after: list[str], parquet: bool
) -> None:
    values = trip("a", API)
    ours = [values[name] for name in API.columns]
    header = [*before, *OURS[:7], *between, *OURS[7:], *after]
    row = [*("x" for _ in before), *ours[:7], *("y" for _ in between), *ours[7:]]
    row += ["z" for _ in after]
    with TemporaryDirectory() as folder:
        path = Path(folder) / ("a.parquet" if parquet else "a.csv")
        if parquet:
            pq.write_table(pa.Table.from_arrays([pa.array([cell]) for cell in row], header), path)
        else:
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, row])
        run(path, Path(folder) / "out")
        [found] = clean(Path(folder) / "out").to_dict("records")
    assert (found["trip_id"], found["fare"], found["miles"], found["company"]) == (
        "a",
        8.75,
        1.5,
        "Flash Cab",
    )
    assert (found["pickup_area"], found["start"]) == (8, pd.Timestamp("2023-04-06 20:45"))


def test_a_table_that_pandas_wrote_with_its_index_is_read(tmp_path: Path) -> None:
    table = pd.DataFrame([[trip(f"{n}", API)[name] for name in API.columns] for n in (1, 2)])
    table.columns = pd.Index(OURS)
    table.to_csv(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().startswith(",trip_id")
    assert run(tmp_path / "a.csv", tmp_path / "out").rows_kept == 2


def test_unused_columns_may_be_missing_and_are_reported(tmp_path: Path) -> None:
    absent = ["taxi_id", "pickup_tract", "dropoff_tract", "dropoff_area", "payment_type", "company"]
    kept = [name for name in API.columns if name not in absent]
    path = tmp_path / "a.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([API.columns[name] for name in kept])
        writer.writerow([trip("a", API)[name] for name in kept])
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["etl", str(path), "--out", str(out)])
    assert result.exit_code == 0, result.output
    messages = " ".join(result.output.split())
    assert "company, dropoff_community_area, dropoff_census_tract, payment_type" in messages
    status = run(path, out)
    assert sorted(status.inputs[0].absent) == sorted(API.columns[name] for name in absent)
    [found] = clean(out).to_dict("records")
    assert all(pd.isna(found[name]) for name in absent)
    assert dropped(status) == {}


def test_optional_columns_are_not_named_as_missing(tmp_path: Path) -> None:
    header = [name for name in OURS if name not in {"fare", "company"}]
    (tmp_path / "a.csv").write_text(",".join(header) + "\n")
    result = CliRunner().invoke(app, ["etl", str(tmp_path / "a.csv"), "--out", str(tmp_path / "o")])
    assert result.exit_code == 2
    # Nothing but the error: no empty bar above it.
    assert result.stderr == (
        f"error: {tmp_path / 'a.csv'} (dialect api) lacks the column 'fare'. Export the table with "
        "these columns, and with its header.\n"
    )


def test_a_line_break_in_the_header_is_not_a_row(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["one\ntwo", *OURS])
    assert run(tmp_path / "a.csv", tmp_path / "out").rows_read == 0


def test_a_name_that_would_end_a_line_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["one\rtwo", *OURS])
    with pytest.raises(DataError, match=r"a\.csv: a column's name holds a carriage return"):
        run(tmp_path / "a.csv", tmp_path / "out")


@pytest.mark.parametrize("length", [1, 5_000])
def test_an_engines_error_is_short(length: int) -> None:
    messages = explain("Binder Error: Table has duplicate names\n" + "candidate\n" * length)
    assert messages.startswith("Binder Error: Table has duplicate names candidate")
    assert len(messages) < 320


@pytest.mark.parametrize(
    ("name", "rows", "first"),
    [
        ("taxi_zone_chicago.parquet", None, "2022-04-01 00:00"),
        ("taxi_pandas_index.csv", 6, "2022-04-01 00:00"),
    ],
)
def test_the_reported_files_are_read_right(
    real_data: Path, tmp_path: Path, name: str, rows: int | None, first: str
) -> None:
    path = real_data.parent / "reported" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    status = run(path, tmp_path / "out")
    assert rows in {None, status.rows_read}
    assert clean(tmp_path / "out")["start"].min() == pd.Timestamp(first)
    assert status.marked["zone_converted"] == (status.rows_read if rows is None else 0)
