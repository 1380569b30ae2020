"""`predict` on Spark: the files that this machine writes, and nothing after a failure."""

from pathlib import Path
from typing import Final

import pandas as pd
import pytest
from bankchurn.cli import app
from bankchurn.data.table_files import TableWriter
from bankchurn.sample import generate_sample
from servicekit.testing.spark import SparkFileConformance

# Three parts.
ROWS: Final = 11_000


class TestSpark(SparkFileConformance):
    package = "bankchurn"
    app = app
    spark_command = "predict in.csv out.csv --model MODEL"
    model_file = "pipeline.joblib"
    environment = "make spark-env-BankChurn-Predictor"
    file_command = "predict INPUT OUTPUT --model MODEL"
    spark_inputs = ("in.csv", "in.parquet")
    spark_outputs = (".csv", ".parquet")
    bad_input = "bad.csv"

    @pytest.fixture
    def place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        sample = generate_sample(ROWS, seed=8, blank_share=0.3)
        sample.loc[::7, "Surname"] = 'Müller-Łukasz, "Ann"\n第二'
        sample.loc[[3, 5_000, 10_999], "Age"] = 100
        sample.loc[[5_000, 7_777], "Balance"] = 1e9
        write_csv(sample, tmp_path / "in.csv")
        opened = pd.Series(pd.date_range("2026-03-01", periods=ROWS, freq="min")).dt.as_unit("ms")
        notes = pd.Series([None if row % 3 else "\u0661 note" for row in range(ROWS)])
        with TableWriter(tmp_path / "in.parquet") as writer:
            writer.write_rows(sample.assign(opened=opened, note=notes))
        sample.loc[[4, 6_000], "Age"] = 7
        sample.loc[6_001, "Geography"] = "Österreich"
        sample.to_csv(tmp_path / "bad.csv", index=False)
        return tmp_path


def write_csv(sample: pd.DataFrame, path: Path) -> None:
    """Write a file with an index, repeated names, a byte order mark, and numbers in all forms."""
    text = sample.astype(object).where(sample.notna(), "")
    text["CreditScore"] = [
        f" {value}.0 " if value % 2 else f"+{value}" for value in sample["CreditScore"]
    ]
    text["EstimatedSalary"] = [f"{value:.17e}" for value in sample["EstimatedSalary"]]
    plain = text.assign(note="NA", other="4_1").rename(columns={"other": "note"})
    plain.to_csv(path, encoding="utf-8-sig", lineterminator="\r\n")
