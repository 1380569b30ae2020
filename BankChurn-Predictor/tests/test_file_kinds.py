"""Files of other kinds: each is named for what it is, with advice that works."""

import gzip
import shutil
import subprocess
import tracemalloc
from pathlib import Path

import pandas as pd
import pytest
from bankchurn.data.table import load_table
from bankchurn.data.table_files import TableWriter, count_rows, read_chunks
from servicekit.files import DataError


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_table(path)
    message = str(caught.value)
    assert str(path) in message
    return message.replace(str(path), "FILE")


@pytest.fixture
def text(sample: pd.DataFrame) -> str:
    return sample.assign(Surname="Müller").to_csv(index=False)


def test_a_spreadsheet_is_to_be_exported_and_not_renamed(tmp_path: Path) -> None:
    for name in ("a.xlsx", "a.xls", "a.ods", "a.csv"):
        (tmp_path / name).write_bytes(b"PK\x03\x04rest")
        message = refusal(tmp_path / name)
        assert message.startswith("FILE is a spreadsheet")
        assert "Export the sheet as CSV in UTF-8" in message
        assert "Name it" not in message


def test_a_name_that_is_not_known_says_which_are(tmp_path: Path) -> None:
    (tmp_path / "a.json").touch()
    assert refusal(tmp_path / "a.json").endswith(
        "Give a file of customers whose name ends in .csv, .csv.gz, .parquet, .pq."
    )


@pytest.mark.skipif(shutil.which("iconv") is None, reason="iconv is not installed")
def test_the_advice_for_a_table_that_is_not_utf_8_works(tmp_path: Path, text: str) -> None:
    (tmp_path / "old.csv").write_bytes(text.encode("cp1252"))
    command = "iconv -f WINDOWS-1252 -t UTF-8"
    assert f"with: {command} OLD > NEW" in refusal(tmp_path / "old.csv")
    with (tmp_path / "new.csv").open("wb") as converted:
        subprocess.run([*command.split(), tmp_path / "old.csv"], stdout=converted, check=True)
    assert len(load_table(tmp_path / "new.csv")) == 1500


@pytest.mark.parametrize("name", ["a.csv.gz", "A.CSV.GZ"])
def test_a_compressed_table_is_the_same_table(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    assert count_rows(tmp_path / name) is None
    pd.testing.assert_frame_equal(load_table(tmp_path / name), load_table(tmp_path / "a.csv"))


@pytest.mark.parametrize("cut", [12, 500, -4])
def test_a_compressed_table_that_was_cut_off_is_refused(
    tmp_path: Path, text: str, cut: int
) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode())[:cut])
    message = refusal(tmp_path / "a.csv.gz")
    assert message.startswith("FILE is damaged: Compressed file ended before the end-of-stream")


def test_a_compressed_table_with_a_changed_byte_is_refused(tmp_path: Path, text: str) -> None:
    contents = bytearray(gzip.compress(text.encode()))
    contents[-6] ^= 1
    (tmp_path / "a.csv.gz").write_bytes(bytes(contents))
    assert refusal(tmp_path / "a.csv.gz").startswith("FILE is damaged: CRC check failed")


def test_a_plain_file_that_is_named_compressed_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv.gz").write_text(text)
    assert refusal(tmp_path / "a.csv.gz") == "FILE is not compressed with gzip. Name it a.csv."


def test_the_contents_of_a_compressed_file_are_checked(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode("utf-16")))
    assert refusal(tmp_path / "a.csv.gz").startswith("FILE is text in UTF-16.")


@pytest.mark.parametrize("line", [b"x", b'"x', b"x,"], ids=["field", "quoted", "fields"])
def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(64):
            file.write(line * 2**20)
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    message = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "the row is longer than 1,048,576 characters" in message
    assert peak < 16 * 2**20


def test_many_rows_of_a_small_compressed_file_come_piece_by_piece(
    tmp_path: Path, text: str
) -> None:
    header, *rows = text.splitlines()
    path = tmp_path / "many.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join([header, *rows * 40]))
    assert [len(piece) for piece in read_chunks(path, rows=25_000)] == [25_000, 25_000, 10_000]


@pytest.mark.parametrize("name", ["out.csv.gz", "out.xlsx", "out"])
def test_an_output_must_be_csv_or_parquet(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"is not written. Name it \.csv or \.parquet\."):
        TableWriter(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
