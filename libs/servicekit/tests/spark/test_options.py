"""Options of commands that may run on Spark, and what a worker's error becomes."""

import sys
from pathlib import Path

import pytest
from modelseal import SealedModelError
from servicekit.files import DataError
from servicekit.spark.errors import WorkerError, worker_refusals
from servicekit.spark.options import LOCAL_MASTER, spark_options


def test_this_machine_needs_no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    assert spark_options("local", LOCAL_MASTER, ["a=b"], install="make it") is None


@pytest.mark.parametrize("package", ["pyspark", "pyarrow", "pandas"])
def test_a_package_that_is_missing_is_reported_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    remedy = r"^Spark is not installed\. Install it with: make it \(.*\), or use --engine local\.$"
    with pytest.raises(DataError, match=remedy):
        spark_options("pyspark", LOCAL_MASTER, None, install="make it")


@pytest.mark.parametrize("engine", ["local", "pyspark"])
def test_a_setting_without_a_value_is_refused(engine: str) -> None:
    with pytest.raises(DataError, match=r"--spark x: give a setting as NAME=VALUE\."):
        spark_options(engine, LOCAL_MASTER, ["a=b=c", "x"], install="")  # type: ignore[arg-type]


def test_a_model_that_a_worker_refuses_is_refused_here() -> None:
    with (
        pytest.raises(
            SealedModelError,
            match=r"^A worker refuses the model: why\. Give the workers the model at /models/one, "
            r"and this environment\.$",
        ),
        worker_refusals(Path("/models/one")),
    ):
        raise WorkerError("why.", kind="modelseal.errors.FileDigestError")


def test_another_error_of_a_worker_is_no_refusal() -> None:
    with pytest.raises(WorkerError, match="no room"), worker_refusals(Path("/models/one")):
        raise WorkerError("no room", kind="builtins.MemoryError")
