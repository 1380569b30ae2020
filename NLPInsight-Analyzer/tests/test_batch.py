import csv
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nlpinsight.arrays import Float64Array
from nlpinsight.batch.judging import on_this_machine
from nlpinsight.batch.predict_file import ADDED, predict_file
from nlpinsight.model import Reading, SentimentModel, predict_sentiments
from nlpinsight.schema import Backend
from servicekit.files import DataError


def test_every_row_gets_an_answer_behind_its_own_fields(
    model: SentimentModel, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('id,text,label\n007,"Profit, ""up""",x\n8,cuts dividend,y\n')

    summary = predict_file(on_this_machine(model), source, out)

    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "text", "label", *ADDED]
    assert [row["id"] for row in rows] == ["007", "8"]
    assert rows[0]["text"] == 'Profit, "up"'
    for row, answer in zip(
        rows, predict_sentiments(model, [row["text"] for row in rows]), strict=True
    ):
        assert row["prediction"] == answer.label
        assert float(row["confidence"]) == answer.confidence
        assert [float(row[label]) for label in answer.all_scores] == [*answer.all_scores.values()]
        assert row["truncated"] == "false"
    assert summary.texts == sum(summary.labels.values()) == 2


class OneByOne(SentimentModel):
    """A model that, as the transformer does, computes each text alone."""

    backend: Backend = "transformer"

    def __init__(self, model: SentimentModel, parties: int) -> None:
        self.tolerance = model.tolerance
        self.calibrator = model.calibrator
        self._model = model
        self._together = threading.Barrier(parties)
        self.asked: list[str] = []

    def read(self, texts: Sequence[str]) -> tuple[list[str], list[Reading]]:
        return self._model.read(texts)

    def decide(self, texts: Sequence[str]) -> tuple[Float64Array, list[Reading]]:
        self._together.wait(timeout=60)
        self.asked += texts
        return self._model.decide(texts)


def test_a_transformer_answers_on_all_cores_as_it_answers_each_text_alone(
    model: SentimentModel, tmp_path: Path
) -> None:
    cores = os.cpu_count() or 1
    texts = [f"profit of {'much ' * (row % 5)}number {row}" for row in range(6 * cores)]
    (tmp_path / "in.txt").write_text("".join(f"{text}\n" for text in texts))
    one_by_one = OneByOne(model, parties=cores)

    predict_file(on_this_machine(one_by_one), tmp_path / "in.txt", tmp_path / "out.jsonl")

    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == texts
    alone = [predict_sentiments(model, [text])[0] for text in texts]
    assert [row["prediction"] for row in rows] == [answer.label for answer in alone]
    assert [row["confidence"] for row in rows] == [answer.confidence for answer in alone]
    assert sorted(one_by_one.asked) == sorted(texts)
    first, last = one_by_one.asked[:cores], one_by_one.asked[-cores:]
    assert min(map(len, first)) > max(map(len, last))


@pytest.mark.parametrize("rows", [1, 999, 1000, 1001, 2400])
def test_rows_keep_their_order_over_pieces(
    model: SentimentModel, tmp_path: Path, rows: int
) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("".join(f"profit number {row}\n" for row in range(rows)))
    counted: list[float] = []

    def count(amount: float = 1, step: str | None = None) -> None:
        assert step is None
        counted.append(amount)

    summary = predict_file(on_this_machine(model), source, out, advance=count)

    texts = [json.loads(line)["text"] for line in out.read_text().splitlines()]
    assert texts == [f"profit number {row}" for row in range(rows)]
    assert sum(counted) == summary.texts == rows


def test_all_bad_rows_are_named_and_nothing_is_written(
    model: SentimentModel, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = ['{"text": "up"}'] * 2700
    lines[3] = '{"text": ""}'
    lines[2600] = '{"text": 5}'
    source.write_text("\n".join(lines))
    out.write_text("before")

    with pytest.raises(DataError, match=r"(?s)2 rows do not fit.*row 4: ''.*row 2601: 5"):
        predict_file(on_this_machine(model), source, out)

    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_truncated_texts_are_counted(model: SentimentModel, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("word " * 4000 + "\nup\n")

    assert (
        predict_file(on_this_machine(model), tmp_path / "in.txt", tmp_path / "out.csv").truncated
        == 1
    )


def test_the_input_is_not_overwritten(model: SentimentModel, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\nup\n")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")

    with pytest.raises(DataError, match="is the input itself"):
        predict_file(on_this_machine(model), tmp_path / "a.csv", tmp_path / "b.csv")


def test_columns_with_the_names_of_added_ones_are_kept_under_another_name(
    model: SentimentModel, tmp_path: Path
) -> None:
    source, once, twice = (tmp_path / f"{name}.csv" for name in ("source", "once", "twice"))
    source.write_text("text,prediction,Neutral,warnings\nprofit up,x,y,z\n")

    first = predict_file(on_this_machine(model), source, once)
    second = predict_file(on_this_machine(model), once, twice)

    assert first.renamed == {"prediction": "input_prediction", "warnings": "input_warnings"}
    assert set(second.renamed) == {*ADDED, "input_prediction", "input_warnings"}
    with twice.open(newline="") as file:
        [header, cells] = csv.reader(file)
    assert len(set(header)) == len(header) == 4 + 2 * len(ADDED)
    row = dict(zip(header, cells, strict=True))
    assert (row["input_input_prediction"], row["Neutral"]) == ("x", "y")
    assert row["input_confidence"] == row["confidence"]


@given(st.lists(st.from_regex(r"\A(input_){0,2}(prediction|neutral|id|x_input)\Z"), unique=True))
def test_no_two_columns_become_one(
    model: SentimentModel, tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("columns")
    source, out = folder / "in.jsonl", folder / "out.jsonl"
    source.write_text(json.dumps({"text": "up"} | {name: name for name in names}))

    predict_file(on_this_machine(model), source, out)

    written = json.loads(out.read_text())
    assert sorted(value for value in map(str, written.values()) if value in names) == sorted(names)


def test_what_the_model_does_not_know_is_marked_and_counted(
    model: SentimentModel, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out.csv"
    source.write_text("\u5229\u76ca\u304c\u5897\u52a0\nzxqvk wprtl mnbqz profit\nprofit up\n")

    summary = predict_file(on_this_machine(model), source, out)

    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["in_vocabulary"] for row in rows] == ["0.0", "0.25", "1.0"]
    assert [row["warnings"] for row in rows] == ["no_known_term:text", "mostly_unknown:text", ""]
    assert summary.warnings == {"no_known_term": 1, "mostly_unknown": 1}


def test_a_pandas_index_and_columns_that_differ_in_case_are_kept(
    model: SentimentModel, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(",Text,text,id,id\n0,a,profit up,1,2\n")

    predict_file(on_this_machine(model), source, out)

    with out.open(newline="") as file:
        [header, cells] = csv.reader(file)
    assert header == ["", "Text", "text", "id", "id", *ADDED]
    assert cells[:5] == ["0", "a", "profit up", "1", "2"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(sealed: Path, tmp_path: Path) -> None:
    line = "Acme profit rises by 5% in the second quarter of the year\n"
    peaks = []
    for rows in (2_000, 100_000):
        (tmp_path / "in.txt").write_text(line * rows)
        code = (
            "import resource, sys; from pathlib import Path; from modelseal import open_sealed;"
            "from nlpinsight.batch.judging import on_this_machine;"
            "from nlpinsight.batch.predict_file import predict_file;"
            "model, source, out = map(Path, sys.argv[1:]);"
            "predict_file(on_this_machine(open_sealed(model).predictor), source, out);"
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
