import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from nlpinsight.textfiles import MAX_LINE, ResultWriter, read_rows
from servicekit.files import DataError


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
    assert [row.problem for row in rows] == [None, None]


def test_plain_lines_are_texts(tmp_path: Path) -> None:
    rows = list(read_rows(write(tmp_path / "a.txt", "one, two\r\nthree")))

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
        ("a.jsonl", '{"text": "up"}\n{"x": 5}\n', 2, "there", "absent"),
        ("a.jsonl", '{"text": "up"}\n[1]\n', 2, "a JSON object", "[1]"),
        ("a.jsonl", '{"text": "up"\n', 1, "a JSON object", "text"),
        ("a.jsonl", "[" * 100_000 + "\n", 1, "a JSON object", "[["),
        ("a.jsonl", '{"text": "\\ud800"}\n', 1, "UTF-8", "ud800"),
        ("a.csv", b"id,text\n1,up\nsoci\xe9t\xe9,down\n", 2, "save the file as UTF-8", "soci"),
        ("a.jsonl", '{"text": "up", "a": {"b": ["\\ud800"]}}\n', 1, "save the file as", "ud800"),
        ("a.jsonl", '{"text": "up", "\\ud800": 1}\n', 1, "named in UTF-8", "ud800"),
        ("a.jsonl", '{"text": "up"}\n{"text": "up", "n": 1e999}\n', 2, "a finite number", "inf"),
        ("a.jsonl", '{"text": "up", "n": [NaN]}\n', 1, "a finite number", "nan"),
        ("a.txt", "up\n\ndown\n", 2, "a text with something to judge", "''"),
    ],
)
def test_a_bad_row_carries_what_is_wrong_with_it(  # noqa: PLR0917 - one table
    name: str, contents: str | bytes, number: int, expected: str, value: str, tmp_path: Path
) -> None:
    rows = list(read_rows(write(tmp_path / name, contents)))

    [bad] = [row for row in rows if row.problem]
    assert bad.problem is not None
    assert bad.number == bad.problem.row == number
    assert expected in bad.problem.expected
    assert value in bad.problem.value


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("a.pdf", "x", "neither .csv, .jsonl, .ndjson nor .txt"),
        ("a.csv", "", "is empty"),
        ("a.csv", "text\n", "has a header but no rows"),
        ("a.csv", "id,words\n1,up\n", "the header lacks text"),
        ("a.csv", "text,text\n1,up\n", "has text twice"),
        ("a.csv", 'text\n"up\n', "after row 0: unexpected end of data"),
        ("a.txt", "x" * (MAX_LINE + 1), "row 1: the line is longer"),
        ("a.csv", "text\n" + "x" * (MAX_LINE + 1), "after row 0: the row is longer"),
        ("a.csv", "text\nup\n" + "a," * MAX_LINE, "after row 1: the row is longer"),
        ("a.csv", 'text\nup\n"' + "up\n" * MAX_LINE, "close the quotes that were left open"),
        ("a.csv", b"text,soci\xe9t\xe9\nup,1\n", r"column 'soci.* is not UTF-8 \(save the file as"),
    ],
)
def test_a_file_that_cannot_be_told_apart_into_rows_is_refused(
    name: str, contents: str | bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        list(read_rows(write(tmp_path / name, contents)))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file or directory"):
        list(read_rows(tmp_path / "none.csv"))


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_what_was_written_is_read_back(name: str, tmp_path: Path) -> None:
    texts = ['a "quoted", text', "two\nlines", "emoji \U0001f680"]
    with ResultWriter(tmp_path / name) as writer:
        for number, text in enumerate(texts):
            writer.write({"id": number, "text": text, "sure": 0.25, "cut": False, "none": None})

    rows = list(read_rows(tmp_path / name))

    assert [row.text for row in rows] == texts
    assert [str(row.fields["id"]) for row in rows] == ["0", "1", "2"]
    assert {str(row.fields["cut"]).lower() for row in rows} == {"false"}
    assert float(str(rows[0].fields["sure"])) == 0.25


def test_csv_rows_have_the_columns_of_the_first(tmp_path: Path) -> None:
    with ResultWriter(tmp_path / "a.csv") as writer:
        writer.write({"a": 1, "b": 2})
        writer.write({"b": 3})

    with (tmp_path / "a.csv").open() as file:
        assert list(csv.reader(file)) == [["a", "b"], ["1", "2"], ["", "3"]]


def test_a_field_that_csv_has_no_column_for_is_refused_and_not_lost(tmp_path: Path) -> None:
    def write_both() -> None:
        with ResultWriter(tmp_path / "a.csv") as writer:
            writer.write({"a": 1})
            writer.write({"a": 2, "b": 3})

    with pytest.raises(DataError, match=r"Row 2 has 'b', which row 1 lacks.*\.jsonl"):
        write_both()

    assert not list(tmp_path.iterdir())


def test_no_more_of_a_file_is_read_than_a_row_may_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.csv", "text\n" + "x" * (20 * MAX_LINE))
    asked: list[int] = []

    class Watched(io.TextIOWrapper):
        def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
            asked.append(size)
            return super().readline(size)

    def open_watched(_path: Path, _mode: str = "r", **how: Any) -> io.IOBase:  # noqa: ANN401
        raw = io.BytesIO(contents)
        return Watched(raw, **how) if how else raw

    contents = path.read_bytes()
    monkeypatch.setattr(Path, "open", open_watched)

    with pytest.raises(DataError, match="the row is longer"):
        list(read_rows(path))

    assert asked
    assert all(0 < size <= MAX_LINE + 1 for size in asked)


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path) -> None:
    destination = tmp_path / "a.jsonl"
    destination.write_text(json.dumps({"before": True}))

    def fail() -> None:
        with ResultWriter(destination) as writer:
            writer.write({"a": 1})
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        fail()

    assert json.loads(destination.read_text()) == {"before": True}
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_result_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither .csv nor .jsonl"):
        ResultWriter(tmp_path / "a.xlsx")
