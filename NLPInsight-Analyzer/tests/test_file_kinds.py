import codecs
import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nlpinsight.data.file_kinds import check_file
from nlpinsight.data.text_file import TextFile
from servicekit.files import DataError

TABLE = 'id,text\n1,"profit, up"\n2,société\n'


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as refused:
        list(TextFile.of(path).rows())
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("a.xlsx", b"x", "is a spreadsheet. Export the sheet as CSV in UTF-8"),
        ("a.csv", b"PK\x03\x04...", "is a spreadsheet or a zip archive"),
        ("a.zip", b"x", "is an archive. Unpack it"),
        ("a.parquet", b"x", "is a Parquet file, which is not read. Write it as CSV where pandas"),
        ("a.csv", b"PAR1...", "is a Parquet file. Write it as CSV where pandas"),
        ("a.json", b"[]", "is one JSON document. Write one object per line: jq -c '.[]'"),
        ("a.tsv", b"x", "has tabs between its columns"),
        ("a.csv.gz", b"text\nup\n", "is not compressed with gzip. Name it a.csv."),
        ("a.csv.gz", gzip.compress(b"text\nup\n" * 999)[:-9], "is damaged"),
        ("a.csv.gz", gzip.compress(b"text\nup\n" * 99)[:-4] + b"beef", "is damaged"),
        ("a.csv.gz", gzip.compress(b""), "is empty"),
        ("a.pdf", b"x", "Give a file of texts whose name ends in .csv, .jsonl, .ndjson, .txt, "),
    ],
)
def test_files_of_other_kinds_are_refused_with_a_remedy(
    name: str, contents: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(contents)

    assert message in refusal(path)


def follow(advice: str, folder: Path) -> None:
    """Run the command that a message ends with."""
    start = next(one for one in ("python -c", "cat ", "gzip -dc ") if one in advice)
    command = advice[advice.index(start) :].replace("python -c", f"{sys.executable} -c")
    subprocess.run(command, shell=True, check=True, cwd=folder, timeout=60)  # noqa: S602


@pytest.mark.skipif(shutil.which("iconv") is None, reason="needs iconv")
@pytest.mark.parametrize(
    ("encoding", "mark", "name"),
    [
        ("utf-16-le", codecs.BOM_UTF16_LE, "UTF-16"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "UTF-16"),
        ("utf-16-le", b"", "UTF-16LE"),
        ("utf-16-be", b"", "UTF-16BE"),
        ("utf-32-le", codecs.BOM_UTF32_LE, "UTF-32"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_the_advice_for_utf_16_converts_it(
    encoding: str, mark: bytes, name: str, compressed: bool, tmp_path: Path
) -> None:
    contents = mark + TABLE.encode(encoding)
    path = tmp_path / ("a.csv.gz" if compressed else "a.csv")
    path.write_bytes(gzip.compress(contents) if compressed else contents)

    message = refusal(path)
    assert f"is text in {name}. Convert it" in message
    follow(message, tmp_path)

    converted = TextFile.of(tmp_path / "a-utf8.csv")
    assert [row.text for row in converted.rows()] == ["profit, up", "société"]


@pytest.mark.parametrize(
    ("name", "separator", "said", "converted"),
    [
        ("a.csv", "\t", "separated by tabs", "a-commas.csv"),
        ("a.csv", ";", "separated by semicolons", "a-commas.csv"),
        ("a.csv", "|", "separated by bars", "a-commas.csv"),
    ],
)
def test_the_advice_for_other_separators_converts_them(
    name: str, separator: str, said: str, converted: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(f"id{separator}text\n1{separator}profit, up\n")

    message = refusal(path)
    assert said in message
    follow(message, tmp_path)

    assert [row.text for row in TextFile.of(tmp_path / converted).rows()] == ["profit, up"]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Text,Label", "It has 'Text': write text exactly."),
        ("neutral,Sales rose", "Its first line is a row. Put a line of names before it, such as "),
        ("a,b", "It has 'a', 'b'. The first line must name the columns, text among them"),
        (",".join(f"c{one}" for one in range(14)), "'c9' and 4 more. The first line must"),
    ],
)
def test_a_header_without_text_is_refused_with_its_columns(
    header: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\nx\n")

    assert message in refusal(path)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()

    with pytest.raises(DataError, match="is not a file"):
        check_file(tmp_path / "a.csv")
    with pytest.raises(DataError, match="does not exist"):
        check_file(tmp_path / "b.csv")
