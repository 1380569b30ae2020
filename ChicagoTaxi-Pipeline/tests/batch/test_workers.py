"""Forecasts of many origins: the same in this process, in threads, and in Spark's workers."""

import json
import os
import pickle
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from batches import predict, read_parts
from chicagotaxi.arrow_schemas import prediction_schema
from chicagotaxi.batch import workers as forecasting
from chicagotaxi.batch.hindcast import find_origins, hindcast
from chicagotaxi.batch.reader import BatchInfo, read_pointer
from chicagotaxi.batch.workers import OriginForecasts, save_history
from chicagotaxi.cli.options import engine_options
from chicagotaxi.etl.engines import open_engine
from chicagotaxi.forecast.model import ForecastModel
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.forecast.rows import table, week_after
from chicagotaxi.forecast.sealed_model import SealedForecast
from chicagotaxi.forecast.trained_on import TrainedOn
from chicagotaxi.history.panel import Panel
from modelseal import SealedModelError
from modelseal.errors import ManifestDigestError
from servicekit.files import DataError
from servicekit.spark.errors import WorkerError
from servicekit.testing.spark_run import ENVIRONMENT, needs_spark
from stopping import stop_when

SCRIPT = Path(__file__).parents[1] / "run_forecasts.py"
# Two executor processes are tried for every change, and threads of one process nightly.
MASTERS = (pytest.param("local[2]", marks=pytest.mark.nightly), "local-cluster[2,1,1024]")


def look_back(
    sealed: Path, panel: Panel, destination: Path, *, every: int = 24, threads: int = 2
) -> BatchInfo:
    with open_engine(engine_options(threads=threads)) as engine:
        model = SealedForecast.find(sealed, None)
        return hindcast(engine, model, panel, find_origins(panel, every), destination)


def expected(model: ForecastModel, panel: Panel, every: int) -> pd.DataFrame:
    weeks = []
    for row in find_origins(panel, every):
        past = panel.until(row)
        week = table(model, model.predict(past), past).to_pandas()
        week.insert(0, "origin", past.end.astype("datetime64[us]"))
        weeks.append(week)
    frame: pd.DataFrame = pd.concat(weeks, ignore_index=True)
    return frame


@pytest.mark.parametrize("threads", [1, 4])
def test_every_origin_gives_what_the_model_gives_in_order(
    sealed: Path, forecaster: DemandForecaster, panel: Panel, tmp_path: Path, threads: int
) -> None:
    info = look_back(sealed, panel, tmp_path, threads=threads)
    assert len(info.parts) == 2  # 29 origins, at most 16 in a part
    rows = read_parts(tmp_path)
    pd.testing.assert_frame_equal(
        rows.to_pandas(), expected(forecaster.model, panel, 24), check_exact=True
    )
    types = [pa.timestamp("us"), *prediction_schema().types]
    assert rows.schema.types == types
    assert str(info.first_hour) == "2025-02-26 00:00:00"
    assert str(info.last_hour) == "2025-04-01 23:00:00"
    assert info.model.sha256 == SealedForecast.find(sealed, None).sha256


def sent(sealed: Path, panel: Panel, folder: Path, sha256: str) -> OriginForecasts:
    """What a worker receives: paths and digests, and no object of this process."""
    history = folder / f"{uuid.uuid4().hex}.npz"
    model = SealedForecast(sealed, sha256)
    function = OriginForecasts(model, history, save_history(panel, history), named=False)
    arrived = pickle.loads(pickle.dumps(function))  # noqa: S301 - made here
    assert isinstance(arrived, OriginForecasts)
    return arrived


def batch(*hours: np.datetime64) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([np.array(hours, dtype="datetime64[us]")], ["origin"])


@pytest.mark.parametrize("known", [("fare", "miles"), ("fare",), ()])
def test_a_worker_has_exactly_the_same_history(
    sealed: Path,
    forecaster: DemandForecaster,
    panel: Panel,
    tmp_path: Path,
    known: tuple[str, ...],
) -> None:
    some = Panel(panel.start, panel.areas, panel.trips, **dict.fromkeys(known, panel.fare))
    sha256 = SealedForecast.find(sealed, None).sha256
    found = sent(sealed, some, tmp_path, sha256)(batch(panel.end, panel.end))
    week = table(forecaster.model, forecaster.model.predict(some), some)
    assert pa.table(found).to_pydict() == pa.concat_tables([week, week]).to_pydict()
    assert sent(sealed, some, tmp_path, sha256)(batch()).num_rows == 0


def test_a_worker_refuses_a_model_with_another_digest(
    sealed: Path, panel: Panel, tmp_path: Path
) -> None:
    with pytest.raises(ManifestDigestError, match="the deployment expects 0000"):
        sent(sealed, panel, tmp_path, "0" * 64)(batch(panel.end))


def test_a_worker_refuses_another_history(sealed: Path, panel: Panel, tmp_path: Path) -> None:
    function = sent(sealed, panel, tmp_path, SealedForecast.find(sealed, None).sha256)
    with function.history.open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff")
    with pytest.raises(DataError, match="is not the history that was written"):
        function(batch(panel.end))


def test_a_failure_midway_leaves_the_previous_batch(
    sealed: Path, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = look_back(sealed, panel, tmp_path, every=100)
    whole = week_after
    written: list[Path] = []

    def fail_late(
        model: ForecastModel, panel: Panel, origin: np.datetime64, trained_on: TrainedOn | None
    ) -> pa.Table:
        if panel.index(origin) > 1800:
            written.extend(tmp_path.glob(".*/work/forecasts/part-00000.parquet"))
            raise OSError(28, "No space left on device")
        return whole(model, panel, origin, trained_on)

    monkeypatch.setattr(forecasting, "week_after", fail_late)
    with pytest.raises(DataError, match="cannot be written: No space left"):
        look_back(sealed, panel, tmp_path)
    assert written, "nothing had been done when it failed"
    assert read_pointer(tmp_path) == first.batch
    assert {path.name for path in tmp_path.iterdir()} == {first.batch, "current"}
    assert len(read_parts(tmp_path)) == first.rows


def test_a_hindcast_that_is_stopped_leaves_the_previous_batch(
    sealed: Path, panel: Panel, output: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "looked back"
    first = look_back(sealed, panel, folder, every=100)
    command = ["hindcast", folder, "--out", output, "--model", sealed, "--every", 1]
    at_work = ".*/work/forecasts/part-00001*"
    assert stop_when(folder, at_work, signal.SIGTERM, *command) == 143
    assert read_pointer(folder) == first.batch
    assert {path.name for path in folder.iterdir()} == {first.batch, "current"}


def test_a_hindcast_does_not_replace_the_served_batches(
    sealed: Path, panel: Panel, tmp_path: Path
) -> None:
    info = predict(sealed, panel, tmp_path)
    with pytest.raises(DataError, match=r"which are served. Give another folder\.$"):
        look_back(sealed, panel, tmp_path / "predictions")
    assert read_pointer(tmp_path / "predictions") == info.batch
    # Another hindcast takes a hindcast's place.
    first = look_back(sealed, panel, tmp_path / "h", every=300)
    assert look_back(sealed, panel, tmp_path / "h", every=300).batch != first.batch


@needs_spark
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("master", MASTERS)
def test_spark_forecasts_every_row_that_duckdb_forecasts(
    sealed: Path, panel: Panel, output: Path, tmp_path: Path, master: str
) -> None:
    late = output / "hourly" / "year=2025" / "month=3"
    late.mkdir()
    split_by_month(output, late)
    ours = look_back(sealed, panel, tmp_path / "ours", every=13)
    served = predict(sealed, panel, output)
    spark = tmp_path / "spark"
    spark.mkdir()
    done = subprocess.run(
        [sys.executable, str(SCRIPT), master, str(output), str(sealed)],
        cwd=spark,
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        check=False,
        timeout=850,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = BatchInfo.model_validate_json(
        (spark / "hindcast" / str(read_pointer(spark / "hindcast")) / "batch.json").read_bytes()
    )
    assert len(theirs.parts) == len(ours.parts) == 4
    differing = {"batch", "created", "parts"}
    assert theirs.model_dump(exclude=differing) == ours.model_dump(exclude=differing)
    found = read_parts(spark / "hindcast")
    assert found.schema.types == read_parts(tmp_path / "ours").schema.types
    pd.testing.assert_frame_equal(
        found.to_pandas(), read_parts(tmp_path / "ours").to_pandas(), check_exact=True
    )
    week = read_parts(spark / "predicted" / "predictions").to_pandas()
    pd.testing.assert_frame_equal(
        week, read_parts(output / "predictions").to_pandas(), check_exact=True
    )
    assert len(week) == served.rows

    messages = json.loads(done.stdout)
    assert messages["model"].startswith(
        "SealedModelError: A worker refuses the model: A worker of Spark failed: "
        f"ManifestDigestError: {sealed / 'manifest.json'} has the SHA-256 {theirs.model.sha256}, "
        f"but the deployment expects {'0' * 64}."
    )
    assert messages["model"].endswith("and this environment.")
    assert messages["late"] == (
        "WorkerError: A worker of Spark failed: ValueError: a day that cannot be doubled"
    )
    assert messages["left"] == f"{theirs.batch}, current"


def split_by_month(output: Path, late: Path) -> None:
    """Move March of the history into a file of its own."""
    early = output / "hourly" / "year=2025" / "month=1" / "a.parquet"
    frame = pd.read_parquet(early)
    march = frame["hour"] >= pd.Timestamp("2025-03-01")
    for path, rows in ((late / "a.parquet", frame[march]), (early, frame[~march])):
        rows.to_parquet(path, index=False, coerce_timestamps="us")  # as the pipeline has them


def python_path() -> str:
    return os.pathsep.join([str(SCRIPT.parent), *os.environ.get("PYTHONPATH", "").split()])


@needs_spark
def test_a_worker_without_the_environment_is_reported() -> None:
    from pyspark.errors import PythonException  # noqa: PLC0415
    from servicekit.spark.session import spark_errors  # noqa: PLC0415

    trace = (
        "An exception was thrown from the Python worker.\nTraceback (most recent call last):\n"
        '  File "worker.py", line 1, in main\n    func = read()\n'
        "pyspark.serializers.SerializationError: Caused by Traceback (most recent call last):\n"
        '  File "serializers.py", line 2, in loads\n    return cloudpickle.loads(obj)\n'
        "ModuleNotFoundError: No module named 'chicagotaxi'\n\n\tat org.apache.spark.Some"
    )
    with (
        pytest.raises(DataError, match=r"No module named 'chicagotaxi'\. .* PYSPARK_PYTHON names"),
        spark_errors(),
    ):
        raise PythonException(trace)


def test_a_model_that_a_worker_refuses_is_refused(
    sealed: Path, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, error in (
        ("modelseal.errors.SeriesMismatchError", SealedModelError),
        ("builtins.MemoryError", WorkerError),
    ):
        with open_engine(engine_options()) as engine:

            def fail(*_arguments: object, kind: str = kind, **_options: object) -> int:
                raise WorkerError("no", kind=kind)

            monkeypatch.setattr(engine, "apply", fail)
            with pytest.raises(error, match="no"):
                hindcast(engine, SealedForecast.find(sealed, None), panel, [1400], tmp_path)
