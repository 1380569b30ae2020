import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from nlpinsight.batch import ADDED, predict_file
from nlpinsight.model import SentimentModel, judge
from servicekit.files import DataError


def test_every_row_gets_an_answer_behind_its_own_fields(
    model: SentimentModel, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('id,text,label\n007,"Profit, ""up""",x\n8,cuts dividend,y\n')

    summary = predict_file(model, source, out)

    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "text", "label", *ADDED]
    assert [row["id"] for row in rows] == ["007", "8"]
    assert rows[0]["text"] == 'Profit, "up"'
    for row, answer in zip(rows, judge(model, [row["text"] for row in rows]), strict=True):
        assert row["prediction"] == answer.label
        assert float(row["confidence"]) == answer.confidence
        assert [float(row[label]) for label in answer.all_scores] == [*answer.all_scores.values()]
        assert row["truncated"] == "false"
    assert summary.texts == sum(summary.labels.values()) == 2


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 600])
def test_rows_keep_their_order_over_pieces(
    model: SentimentModel, tmp_path: Path, rows: int
) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("".join(f"profit number {row}\n" for row in range(rows)))
    counted: list[int] = []

    summary = predict_file(model, source, out, progress=counted.append)

    texts = [json.loads(line)["text"] for line in out.read_text().splitlines()]
    assert texts == [f"profit number {row}" for row in range(rows)]
    assert sum(counted) == summary.texts == rows


def test_all_bad_rows_are_named_and_nothing_is_written(
    model: SentimentModel, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = ['{"text": "up"}'] * 700
    lines[3] = '{"text": ""}'
    lines[600] = '{"text": 5}'
    source.write_text("\n".join(lines))
    out.write_text("before")

    with pytest.raises(DataError, match=r"(?s)2 rows do not fit.*row 4: ''.*row 601: 5"):
        predict_file(model, source, out)

    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_truncated_texts_are_counted(model: SentimentModel, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("word " * 4000 + "\nup\n")

    assert predict_file(model, tmp_path / "in.txt", tmp_path / "out.csv").truncated == 1


def test_the_input_is_not_overwritten(model: SentimentModel, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\nup\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")

    with pytest.raises(DataError, match="is the input itself"):
        predict_file(model, tmp_path / "a.csv", tmp_path / "b.csv")


def test_a_file_that_was_judged_already_is_refused(model: SentimentModel, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,prediction,neutral\nup,x,y\n")

    with pytest.raises(DataError, match="has neutral, prediction already"):
        predict_file(model, tmp_path / "a.csv", tmp_path / "b.csv")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(sealed: Path, tmp_path: Path) -> None:
    line = "Acme profit rises by 5% in the second quarter of the year\n"
    peaks = []
    for rows in (2_000, 100_000):
        (tmp_path / "in.txt").write_text(line * rows)
        code = (
            "import resource, sys; from pathlib import Path; from pinproof import open_sealed;"
            "from nlpinsight.batch import predict_file;"
            "model, source, out = map(Path, sys.argv[1:]);"
            "predict_file(open_sealed(model).predictor, source, out);"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        arguments = [
            sys.executable,
            "-c",
            code,
            str(sealed),
            str(tmp_path / "in.txt"),
            str(tmp_path / "o.jsonl"),
        ]
        ran = subprocess.run(arguments, capture_output=True, text=True, check=True)
        peaks.append(int(ran.stdout))

    # The larger input is 6 MB, its output 20: neither is in memory.
    assert peaks[1] - peaks[0] < 12_000, "kilobytes"
