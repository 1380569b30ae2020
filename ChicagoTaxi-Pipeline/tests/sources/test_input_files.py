import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from chicagotaxi.sources.input_files import find_sources, group_sources
from servicekit.files import DataError
from trips import API, trip, write


def names(*inputs: object) -> list[str]:
    return [source.path.name for source in find_sources([str(one) for one in inputs])]


def refusal(*inputs: object) -> str:
    with pytest.raises(DataError) as caught:
        names(*inputs)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "data" / "a.csv", [trip("1")])
    write(tmp_path / "data" / "deep" / "er" / "b.csv.gz", [trip("2", API)], API)
    write(tmp_path / "data" / ".hidden" / "c.csv", [])
    write(tmp_path / "data" / "_d.csv", [])
    (tmp_path / "data" / "readme.txt").write_text("not a table")
    return tmp_path / "data"


def test_files_folders_and_patterns_are_found_once_each(folder: Path) -> None:
    assert names(folder) == ["a.csv", "b.csv.gz"]
    assert names(folder / "a.csv", folder, folder / "*.csv") == ["_d.csv", "a.csv", "b.csv.gz"]
    assert names(folder / "**" / "b.*") == ["b.csv.gz"]


def test_dialects_are_recognised_file_by_file(folder: Path) -> None:
    assert [source.dialect.name for source in find_sources([folder])] == ["portal", "api"]
    assert [len(group.paths) for group in group_sources(find_sources([folder]))] == [1, 1]


def test_files_with_the_same_columns_are_read_together(folder: Path) -> None:
    write(folder / "z.csv", [trip("9")])
    groups = group_sources(find_sources([folder]))
    assert [[path.name for path in group.paths] for group in groups] == [
        ["a.csv", "z.csv"],
        ["b.csv.gz"],
    ]


def test_types_and_rows_of_parquet_come_from_the_footer(tmp_path: Path) -> None:
    columns = {name: pa.array(["1", "2"]) for name in API.columns.values()}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    [source] = find_sources([tmp_path / "a.parquet"])
    assert (source.form, source.rows, set(source.types)) == ("parquet", 2, {pa.string()})


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("trip_id", pa.array([{"a": 1}]), "'trip_id' has the type struct<a: int64>. Write it as"),
        ("fare", pa.array([True]), "'fare' has the type bool. Write it as text, a number or"),
        ("trip_miles", pa.array([[1.5]]), "Write it as text, a number or decimal."),
        ("trip_start_timestamp", pa.array([1]), "Write it as text or timestamp."),
        ("trip_end_timestamp", pa.array([1], pa.date32()), "has the type date32[day]"),
        ("company", pa.array([b"x"]), "has the type binary. Write it as text or a whole number."),
    ],
)
def test_a_column_of_an_unexpected_type_is_named(
    tmp_path: Path, column: str, values: pa.Array, message: str
) -> None:
    columns = {name: pa.array(["1"]) for name in API.columns.values()}
    pq.write_table(pa.table(columns | {column: values}), tmp_path / "a.parquet")
    assert f"{tmp_path / 'a.parquet'}: the column '{column}'" in refusal(tmp_path)
    assert message in refusal(tmp_path)


def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [trip("1")])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert names(path) == ["a.csv"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "none.csv does not exist. Give a file" in refusal(tmp_path / "none.csv")
    assert "*.csv does not exist" in refusal(tmp_path / "*.csv")


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").touch()
    message = refusal(tmp_path)
    assert f"The folder {tmp_path} holds no data: there is no file named .csv" in message


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("trips.xlsx", "is a spreadsheet. Export the sheet as CSV in UTF-8"),
        ("trips.zip", "is an archive. Unpack it"),
        ("trips.txt", "Give a file of trips or counts whose name ends in .csv, .csv.gz, .parquet"),
    ],
)
def test_a_file_of_another_format_is_refused_with_the_remedy(
    tmp_path: Path, name: str, advice: str
) -> None:
    (tmp_path / name).write_text("Trip ID")
    assert advice in refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (b"PK\x03\x04rest", "is a spreadsheet or a zip archive"),
        ("Trip ID,Taxi ID\n".encode("utf-16-le"), "is text in UTF-16LE. Convert it"),
    ],
)
def test_a_file_that_is_named_csv_by_mistake_is_refused_with_its_format(
    tmp_path: Path, begin: bytes, kind: str
) -> None:
    (tmp_path / "a.csv").write_bytes(begin)
    assert f"a.csv {kind}" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert f"{name} is empty. Give a table with a header." in refusal(tmp_path / name)


def test_a_gzip_file_of_nothing_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b""))
    assert "a.csv.gz is empty" in refusal(tmp_path)


def test_a_gzip_file_that_ends_in_its_header_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.gz", [trip("1")])
    path.write_bytes(path.read_bytes()[:40])
    assert "a.csv.gz is damaged" in refusal(path)


def test_damaged_gzip_and_parquet_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(b"Trip ID,Taxi ID")
    assert "a.csv.gz is not compressed with gzip" in refusal(tmp_path / "a.csv.gz")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no more")
    assert "a.parquet is not a readable Parquet file" in refusal(tmp_path / "a.parquet")


def test_a_malformed_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'Trip ID,"Taxi ID\n')
    assert "a.csv: the header cannot be read: unexpected end of data" in refusal(tmp_path)


def test_a_header_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"Trip ID," * 200_000)
    assert "a.csv: the header is longer than 1,048,576 bytes" in refusal(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [trip("1")])
    path.chmod(0)
    assert "a.csv cannot be read: Permission denied" in refusal(path)


def test_the_real_files_are_recognised(real_data: Path) -> None:
    found = find_sources([real_data / "trips_*"])
    assert [(source.dialect.name, source.rows) for source in found] == [
        ("portal", None),
        ("api", 14_636),
    ]
