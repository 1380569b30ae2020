"""`hindcast` on Spark: refused models, signals and missing parts."""

from pathlib import Path

import pytest
from chicagotaxi.cli import app
from servicekit.testing.spark import SparkConformance


class TestSpark(SparkConformance):
    package = "chicagotaxi"
    app = app
    spark_command = "hindcast out --out pipeline --model MODEL --every 13"
    model_file = "booster.txt"
    environment = "make spark-env-ChicagoTaxi-Pipeline"
    instead = "--engine duckdb"

    @pytest.fixture
    def place(self, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        assert output.parent == tmp_path
        monkeypatch.chdir(tmp_path)
        return tmp_path
