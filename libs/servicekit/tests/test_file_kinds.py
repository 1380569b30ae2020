"""Kinds of files, and advice that works."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from servicekit.file_kinds import FileKinds, check_separator
from servicekit.files import DataError

TABLES = FileKinds((".csv", ".csv.gz", ".parquet", ".pq"), contents="customers")
TEXTS = FileKinds((".csv", ".csv.gz", ".txt"), contents="texts")

TEXT = "name,age\nSmith,41\n"


def write(path: Path, contents: bytes) -> Path:
    path.write_bytes(contents)
    return path


def read(kinds: FileKinds, path: Path) -> bytes:
    with kinds.open(path) as file:
        return file.read()


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "a.b.csv"])
def test_a_plain_file_is_read(tmp_path: Path, name: str) -> None:
    assert read(TABLES, write(tmp_path / name, TEXT.encode())) == TEXT.encode()
    assert TABLES.suffix_of(tmp_path / name) == ".csv"


@pytest.mark.parametrize("name", ["a.csv.gz", "A.CSV.GZ"])
def test_a_compressed_file_is_read_uncompressed(tmp_path: Path, name: str) -> None:
    assert read(TABLES, write(tmp_path / name, gzip.compress(TEXT.encode()))) == TEXT.encode()
    assert TABLES.suffix_of(tmp_path / name) == ".csv.gz"


def test_a_parquet_file_is_detected_by_its_first_bytes(tmp_path: Path) -> None:
    assert read(TABLES, write(tmp_path / "a.parquet", b"PAR1...")) == b"PAR1..."


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("a.xlsx", b"PK\x03\x04", r"a\.xlsx is a spreadsheet\. Export the sheet as CSV in UTF-8"),
        ("a.XLS", b"\xd0\xcf\x11\xe0", r"is a spreadsheet\. Export"),
        ("a.zip", b"PK\x03\x04", r"is an archive\. Unpack it"),
        ("a.tsv", b"a\tb", r"has tabs between its columns\. Export it with commas\."),
        ("a.json", b"[]", r"\.json is not known\. Give a file of customers"),
        ("a.doc", b"a", r"\.doc is not known\. Give a file of customers whose name ends in \.csv,"),
        ("a", b"a", r"a name without a suffix is not known"),
        ("a.gz", b"a", r"\.gz is not known"),
        ("a.csv", b"PK\x03\x04", r"is a spreadsheet or a zip archive, and not text\. Export"),
        ("a.csv", b"\xd0\xcf\x11\xe0", r"in Excel's old form\. Export"),
        ("a.csv", b"PAR1", r"is a Parquet file\. Name it \.parquet\."),
        ("a.parquet", b"name,age\n", r"is not a Parquet file"),
        ("a.csv", gzip.compress(b"a"), r"is compressed with gzip\. Name it a\.csv\.gz\."),
        ("a.csv.gz", b"name,age\n", r"is not compressed with gzip\. Name it a\.csv\."),
        ("a.csv.gz", gzip.compress(b"x" * 9000)[:-20], r"is damaged"),
        ("a.csv.gz", gzip.compress(b"PK\x03\x04"), r"is a spreadsheet or a zip archive"),
        ("a.csv", b"", r"is empty\. Give a file of customers\."),
        ("a.csv.gz", gzip.compress(b""), r"is empty"),
        ("a.csv.gz", b"", r"is empty|is damaged"),
    ],
)
def test_an_unsupported_kind_is_refused_with_advice(
    tmp_path: Path, name: str, contents: bytes, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(TABLES, write(tmp_path / name, contents))


# Replaces pandas, which is not among this library's requirements.
PANDAS = """
class read_parquet:
    def __init__(self, path):
        self.contents = open(path, "rb").read()

    def to_csv(self, path, *, index):
        open(path, "wb").write(self.contents)
"""


@pytest.mark.parametrize("name", ["a.parquet", "a b's.csv"])
def test_the_advice_for_parquet_calls_pandas_with_the_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pandas.py").write_text(PANDAS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DataError, match="is a Parquet file") as refusal:
        read(TEXTS, write(tmp_path / name, b"PAR1"))

    command = str(refusal.value).partition("are installed: ")[2]
    subprocess.run(  # noqa: S602 - as a person would run it
        command.replace("python -c", f"{sys.executable} -c"), shell=True, check=True
    )
    assert (tmp_path / f"{name}.csv").read_bytes() == b"PAR1"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("compressed", [False, True])
def test_the_advice_for_other_encodings_makes_a_file_that_is_read(
    tmp_path: Path, encoding: str, compressed: bool
) -> None:
    contents = TEXT.encode(encoding)
    name, pack = ("a b's.csv.gz", gzip.compress) if compressed else ("a b's.csv", bytes)
    with pytest.raises(DataError, match=r"is text in UTF-") as refusal:
        read(TABLES, write(tmp_path / name, pack(contents)))

    command = str(refusal.value).partition("Convert it: ")[2]
    subprocess.run(command, shell=True, check=True)  # noqa: S602 - as a person would run it
    assert read(TABLES, tmp_path / "a b's-utf8.csv").decode("utf-8-sig") == TEXT


def test_text_with_a_few_zero_bytes_is_not_refused(tmp_path: Path) -> None:
    contents = b"name,age\nSm\x00th,41\n" * 20
    assert read(TABLES, write(tmp_path / "a.csv", contents)) == contents


def test_a_path_that_is_not_a_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(DataError, match="is not a file"):
        read(TABLES, tmp_path / "a.csv")
    with pytest.raises(DataError, match="does not exist"):
        read(TABLES, tmp_path / "b.csv")
    (tmp_path / "c.csv").mkdir()
    with pytest.raises(DataError, match="is not a file"):
        read(TABLES, tmp_path / "c.csv")


def test_a_file_that_is_damaged_later_is_refused_when_that_part_is_read(tmp_path: Path) -> None:
    whole = gzip.compress(os.urandom(100_000))
    with (
        pytest.raises(DataError, match="is damaged"),
        TABLES.open(write(tmp_path / "a.csv.gz", whole[:50_000])) as file,
    ):
        file.read()


@pytest.mark.parametrize(
    ("header", "name"), [("a;b;c", "semicolons"), ("a\tb", "tabs"), ("a|b", "vertical bars")]
)
def test_another_separator_is_named(header: str, name: str) -> None:
    with pytest.raises(DataError, match=f"x.csv has {name} between its columns"):
        check_separator(Path("x.csv"), header.split(","))


@pytest.mark.parametrize("header", ["a", "a,b", "a;b,c"])
def test_commas_and_single_columns_are_left_alone(header: str) -> None:
    check_separator(Path("x.csv"), header.split(","))
