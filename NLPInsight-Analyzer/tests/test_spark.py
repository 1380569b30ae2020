"""`predict` on Spark: the files that this machine writes, and nothing after a failure."""

import csv
import json
from pathlib import Path
from typing import Final

import pytest
from nlpinsight.cli import app
from nlpinsight.sample import generate_sample
from servicekit.testing.spark import SparkFileConformance

# Three chunks.
TEXTS: Final = 2_300

AWKWARD: Final = (
    "利益が増加",
    "zxqvk wprtl mnbqz profit",
    'Profit, "up"\nby 5 %',
    "e\u0301te\u0301 \u200b💶 &amp;amp; https://a.b up",
    "loss " * 4_000,
    "\x00 nul",
)


class TestSpark(SparkFileConformance):
    package = "nlpinsight"
    app = app
    spark_command = "predict in.csv out.csv --model MODEL"
    model_file = "weights.npz"
    environment = "make spark-env-NLPInsight-Analyzer"
    file_command = "predict INPUT OUTPUT --model MODEL"
    spark_inputs = ("in.csv", "in.jsonl")
    spark_outputs = (".csv", ".jsonl")
    bad_input = "bad.jsonl"

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        texts = list(generate_sample(TEXTS, seed=9).texts)
        for number, text in enumerate(AWKWARD):
            texts[number * 400 : number * 400 + 2] = [text, text]
        with Path("in.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["", "id", "id", "text", "prediction", "Text"])
            writer.writerows(
                [row, f"{row:05}", "NA", text, "mine", "é"] for row, text in enumerate(texts)
            )
        lines = [
            {"text": text, "id": row, "about": {"tags": ["ü", None], "share": row / 7}}
            for row, text in enumerate(texts)
        ]
        write_lines(Path("in.jsonl"), lines)
        lines[3]["text"] = ""
        lines[1_500]["text"] = 5
        write_lines(Path("bad.jsonl"), lines)
        return tmp_path


def write_lines(path: Path, lines: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
