import csv
import json
from pathlib import Path

import pytest
from nlpinsight.batch.result_file import ResultWriter
from nlpinsight.data.text_file import TextFile
from servicekit.files import DataError


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_what_was_written_is_read_back(name: str, tmp_path: Path) -> None:
    texts = ['a "quoted", text', "two\nlines", "emoji \U0001f680"]
    with ResultWriter(tmp_path / name) as writer:
        for number, text in enumerate(texts):
            writer.write_row(
                {"id": number, "text": text, "sure": 0.25, "cut": False, "none": None}.items()
            )

    rows = list(TextFile.of(tmp_path / name).rows())

    assert [row.text for row in rows] == texts
    assert [str(row.fields["id"]) for row in rows] == ["0", "1", "2"]
    assert {str(row.fields["cut"]).lower() for row in rows} == {"false"}
    assert float(str(rows[0].fields["sure"])) == 0.25


def test_csv_rows_have_the_columns_of_the_first(tmp_path: Path) -> None:
    with ResultWriter(tmp_path / "a.csv") as writer:
        writer.write_row({"a": 1, "b": 2}.items())
        writer.write_row({"b": 3}.items())

    with (tmp_path / "a.csv").open() as file:
        assert list(csv.reader(file)) == [["a", "b"], ["1", "2"], ["", "3"]]


def test_a_field_that_csv_has_no_column_for_is_refused_and_not_lost(tmp_path: Path) -> None:
    def write_both() -> None:
        with ResultWriter(tmp_path / "a.csv") as writer:
            writer.write_row({"a": 1}.items())
            writer.write_row({"a": 2, "b": 3}.items())

    with pytest.raises(DataError, match=r"Row 2 has 'b', which row 1 lacks.*\.jsonl"):
        write_both()

    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path) -> None:
    destination = tmp_path / "a.jsonl"
    destination.write_text(json.dumps({"before": True}))

    def fail() -> None:
        with ResultWriter(destination) as writer:
            writer.write_row({"a": 1}.items())
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        fail()

    assert json.loads(destination.read_text()) == {"before": True}
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_result_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither .csv nor .jsonl"):
        ResultWriter(tmp_path / "a.xlsx")


def test_csv_keeps_columns_that_share_a_name_and_json_refuses_them(tmp_path: Path) -> None:
    cells = [("", 1), ("", 2), ("text", "up")]
    with ResultWriter(tmp_path / "a.csv") as writer:
        writer.write_row(cells)
        writer.write_row(cells)

    def write_json() -> None:
        with ResultWriter(tmp_path / "a.jsonl") as writer:
            writer.write_row(cells)

    assert (tmp_path / "a.csv").read_text() == ",,text\n1,2,up\n1,2,up\n"
    with pytest.raises(DataError, match=r"Row 1 repeats ''.*Write \.csv instead"):
        write_json()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
