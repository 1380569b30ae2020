import gzip
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nlpinsight.data.rows import Row
from nlpinsight.data.text_file import TextFile
from nlpinsight.text.normalisation import normalise
from servicekit.csv_files import MAX_ROW
from servicekit.files import DataError


def read_rows(path: Path) -> Iterator[Row]:
    return TextFile.of(path).rows()


def write(path: Path, contents: str | bytes) -> Path:
    path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
    return path


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("a.csv", 'id,text\n1,"profit, up\nagain"\n2,down\n'),
        ("a.csv", '\ufeffid,text\r\n1,"profit, up\nagain"\r\n2,down\r\n'),
        ("a.jsonl", '{"id": "1", "text": "profit, up\\nagain"}\n{"id": "2", "text": "down"}'),
    ],
)
def test_rows_are_read_as_they_stand(name: str, contents: str, tmp_path: Path) -> None:
    rows = list(read_rows(write(tmp_path / name, contents)))

    assert [row.number for row in rows] == [1, 2]
    assert [row.text for row in rows] == ["profit, up\nagain", "down"]
    assert [row.fields["id"] for row in rows] == ["1", "2"]
    assert [row.error for row in rows] == [None, None]


def test_plain_lines_are_texts(tmp_path: Path) -> None:
    rows = list(read_rows(write(tmp_path / "a.txt", "one, two\r\nthree\r\n\r\n \n")))

    assert [row.text for row in rows] == ["one, two", "three"]


@pytest.mark.parametrize(
    ("name", "contents", "number", "expected", "value"),
    [
        ("a.csv", "text\nup\n  \n", 2, "a text with something to judge", "'  '"),
        ("a.csv", "text\nhttps://t.co/x\n", 1, "a text with something to judge", "t.co"),
        ("a.csv", "id,text\n1,up\n2\n", 2, "one of 2 fields", "1 fields"),
        ("a.csv", "id,text\n1,up,3\n", 1, "one of 2 fields", "3 fields"),
        ("a.csv", b"text\nup\n\xff\xfe down\n", 2, "UTF-8", "down"),
        ("a.jsonl", '{"text": "up"}\n{"text": 5}\n', 2, "a string", "5"),
        ("a.jsonl", '{"text": "up"}\n{"x": 5}\n', 2, "present", "absent"),
        ("a.jsonl", '{"text": "up"}\n[1]\n', 2, "a JSON object", "[1]"),
        ("a.jsonl", '{"text": "up"\n', 1, "a JSON object", "text"),
        ("a.jsonl", "[" * 100_000 + "\n", 1, "a JSON object", "[["),
        ("a.jsonl", '{"text": "\\ud800"}\n', 1, "UTF-8", "ud800"),
        ("a.csv", b"id,text\n1,up\nsoci\xe9t\xe9,down\n", 2, "save the file as UTF-8", "soci"),
        ("a.jsonl", '{"text": "up", "a": {"b": ["\\ud800"]}}\n', 1, "save the file as", "ud800"),
        ("a.jsonl", '{"text": "up", "\\ud800": 1}\n', 1, "named in UTF-8", "ud800"),
        ("a.jsonl", '{"text": "up"}\n{"text": "up", "n": 1e999}\n', 2, "a finite number", "inf"),
        ("a.jsonl", '{"text": "up", "n": [NaN]}\n', 1, "a finite number", "nan"),
        ("a.jsonl", '{"text": "up", "text": "down"}\n', 1, "present once in each", "repeated"),
        ("a.jsonl", '{"text": "up"}\n\n{"text": "up"}\n', 2, "a JSON object", "''"),
        ("a.csv", "id,text\n1,up\n\n2,down\n", 2, "one of 2 fields", "0 fields"),
        ("a.txt", "up\n\ndown\n", 2, "a text with something to judge", "''"),
        ("a.txt", "up\rdown\n", 1, "one line (end lines with a line feed", "up"),
        ("a.txt", "up@positive\nup\n", 2, "as 1 other lines are (give plain", "up"),
        ("a.txt", "up@positive\n@neutral\n", 2, "a text with something to judge", "''"),
        ("a.txt", b"up\xe9@positive\nup\xc3\xa9@neutral\n", 1, "UTF-8", "up"),
        ("a.txt", b"soci\xe9t\xe9\n", 1, "UTF-8", "soci"),
    ],
)
def test_a_bad_row_carries_what_is_wrong_with_it(  # noqa: PLR0917 - one table
    name: str, contents: str | bytes, number: int, expected: str, value: str, tmp_path: Path
) -> None:
    rows = list(read_rows(write(tmp_path / name, contents)))

    [bad] = [row for row in rows if row.error]
    assert bad.error is not None
    assert bad.number == bad.error.row == number
    assert expected in bad.error.expected
    assert value in bad.error.value


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("a.pdf", "x", r"whose name ends in \.csv, \.jsonl, \.ndjson, \.txt"),
        ("a.csv", "", "is empty"),
        ("a.csv", "text\n", "has no rows"),
        ("a.jsonl", "\n\n", "has no rows"),
        ("a.csv", "id,words\n1,up\n", "the header lacks text"),
        ("a.csv", "text,text\n1,up\n", "has text twice. Remove or rename"),
        ("a.csv", 'text\n"up\n', "after row 0: unexpected end of data"),
        ("a.txt", "x" * (MAX_ROW + 1), "row 1: the line is longer"),
        ("a.csv", "text\n" + "x" * (MAX_ROW + 1), "after row 0: the row is longer"),
        ("a.csv", "text\nup\n" + "a," * MAX_ROW, "after row 1: the row is longer"),
        ("a.csv", 'text\nup\n"' + "up\n" * MAX_ROW, "close the quotes that were left open"),
        ("a.csv", b"text,soci\xe9t\xe9\nup,1\n", r"column 'soci.* is not UTF-8 \(save the file as"),
    ],
)
def test_a_file_that_cannot_be_told_apart_into_rows_is_refused(
    name: str, contents: str | bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        list(read_rows(write(tmp_path / name, contents)))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list(read_rows(tmp_path / "none.csv"))


@pytest.mark.parametrize("start", ["text\n", 'text\nup\n"', ""])
def test_a_row_without_an_end_takes_no_memory_to_refuse(start: str, tmp_path: Path) -> None:
    path = write(tmp_path / ("a.csv" if start else "a.txt"), start + "x" * (60 * MAX_ROW))

    tracemalloc.start()
    with pytest.raises(DataError, match="is longer"):
        list(read_rows(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 15 * MAX_ROW


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        (",text", "0,up"),  # pandas writes its index so
        (",,text,", "0,1,up,2"),
        ("Text,TEXT,text", "a,b,up"),
        ("id,id,text", "1,2,up"),
        ("prediction,text,problem,__index_level_0__", "x,up,y,z"),
    ],
)
def test_other_columns_may_have_any_name_or_none(header: str, cells: str, tmp_path: Path) -> None:
    [row] = read_rows(write(tmp_path / "a.csv", f"{header}\n{cells}\n"))

    assert row.error is None
    assert row.text == "up"
    assert [name for name, _ in row.cells] == header.split(",")
    assert [value for _, value in row.cells] == cells.split(",")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.ndjson", "a.txt", "A.CSV"])
def test_a_compressed_file_is_read_like_the_file_in_it(name: str, tmp_path: Path) -> None:
    contents = {".csv": "id,text\n1,up\n", ".txt": "up\n"}.get(
        Path(name).suffix.lower(), '{"text": "up"}\n'
    )
    plain = write(tmp_path / name, contents)
    compressed = write(tmp_path / f"{name}.gz", gzip.compress(contents.encode()))

    assert list(read_rows(compressed)) == list(read_rows(plain))
    assert TextFile.of(compressed).read_as == TextFile.of(plain).read_as


@pytest.mark.parametrize(
    ("contents", "read_as", "texts"),
    [
        (b"one\ntwo @ work\n", "one text per line", ["one", "two @ work"]),
        (
            b"up@positive\ndown a@b@Negative\n",
            "Financial PhraseBank (sentence@label) in UTF-8",
            ["up", "down a@b"],
        ),
        (
            b"\xef\xbb\xbfup@positive\n",
            "Financial PhraseBank (sentence@label) in UTF-8",
            ["up"],
        ),
        (
            "Itämeri rose@positive\n".encode("latin-1"),
            "Financial PhraseBank (sentence@label) in Latin-1",
            ["Itämeri rose"],
        ),
    ],
)
def test_a_file_of_lines_says_how_it_is_read(
    contents: bytes, read_as: str, texts: list[str], tmp_path: Path
) -> None:
    file = TextFile.of(write(tmp_path / "a.txt", contents))

    assert file.read_as == read_as
    assert [row.text for row in file.rows()] == texts


@settings(max_examples=300)
@given(
    st.sampled_from(["a.csv", "a.jsonl", "a.txt", "a.csv.gz", "a.txt.gz"]),
    st.one_of(
        st.binary(max_size=80),
        st.text(st.sampled_from('text,label\n\r"@positive;{}:[]\x00é \t'), max_size=60).map(
            str.encode
        ),
        st.binary(max_size=40).map(lambda tail: b"text,id\nup,1\n" + tail),
    ),
    st.booleans(),
)
def test_any_bytes_are_rows_or_a_clear_refusal(
    tmp_path_factory: pytest.TempPathFactory, name: str, contents: bytes, compressed: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(gzip.compress(contents) if compressed else contents)

    try:
        rows = list(read_rows(path))
    except DataError as error:
        refusal, rows = str(error), []
    else:
        refusal = ""

    assert bool(rows) != (str(path) in refusal)
    assert all(row.error is not None or normalise(row.text) for row in rows)
    assert [row.number for row in rows] == sorted({row.number for row in rows})
