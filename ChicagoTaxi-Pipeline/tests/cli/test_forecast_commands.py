"""The commands after the pipeline, as on a command line."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from batches import read_parts
from chicagotaxi.batch.reader import read_batch, read_pointer
from chicagotaxi.cli import app
from chicagotaxi.forecast.metrics import BacktestReport
from chicagotaxi.schema import PipelineStatus, read_status
from modelseal import open_sealed
from stopping import stop_when
from typer.testing import CliRunner

TRAIN = ["train", "--folds", "1", "--rows", "5000", "--seed", "3"]


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return str(result.stdout if code == 0 else result.stderr)


def test_train_seals_a_model_and_writes_its_backtest(output: Path, tmp_path: Path) -> None:
    model, reports = tmp_path / "model", tmp_path / "reports"
    shown = run(*TRAIN, "--data", output, "--out", model, "--reports", reports)
    report = BacktestReport.model_validate_json((reports / "backtest.json").read_bytes())
    opened = open_sealed(model)
    assert opened.manifest.version in shown
    assert opened.manifest.metrics["mae"] == report.overall.errors["forecast"].mae
    assert len(report.folds) == 1
    assert "seasonal naive" in shown


def test_train_without_data_generates_a_sample(tmp_path: Path) -> None:
    model = tmp_path / "model"
    run(*TRAIN, "--out", model, "--reports", tmp_path / "reports", "--model-version", "mine")
    opened = open_sealed(model)
    assert opened.manifest.version == "mine"
    assert str(opened.manifest.data["source"]).startswith("generated sample")
    assert opened.manifest.data["areas"] == 77
    assert opened.manifest.data["unknown_values"] == 77  # the hour that the clock skipped


def test_backtest_reads_a_file_of_counts(tmp_path: Path, hourly_frame: pd.DataFrame) -> None:
    hourly_frame.to_csv(tmp_path / "counts.csv", index=False)
    options = ["--data", tmp_path / "counts.csv", "--reports", tmp_path, "--name", "a.json"]
    run("backtest", *options, "--folds", "2", "--step-days", "3", "--rows", "5000")
    report = BacktestReport.model_validate_json((tmp_path / "a.json").read_bytes())
    assert [fold.origin for fold in report.folds] == ["2025-03-16T00:00", "2025-03-19T00:00"]
    assert report.data["source"] == "counts.csv"


def test_files_of_a_killed_predict_are_removed_by_the_next(output: Path, sealed: Path) -> None:
    arguments = ("predict", "--out", output, "--model", sealed)
    folder = output / "predictions"
    assert stop_when(folder, ".batch.json-*/work", signal.SIGKILL, *arguments) == -signal.SIGKILL
    assert len(list(folder.glob(".*"))) == 2

    run(*arguments)

    assert sorted(folder.iterdir()) == sorted(
        [folder / "current", folder / str(read_pointer(folder))]
    )


def test_predict_writes_the_week_after_the_history(output: Path, sealed: Path) -> None:
    run("predict", "--out", output, "--model", sealed)
    name = read_pointer(output / "predictions")
    assert name is not None
    info, rows = read_batch(output / "predictions", name)
    assert rows.num_rows == 168 * 8
    assert info.model.sha256 == open_sealed(sealed).sha256


def test_hindcast_writes_forecasts_from_past_origins(
    output: Path, sealed: Path, tmp_path: Path, hourly_frame: pd.DataFrame
) -> None:
    run("hindcast", tmp_path / "h", "--out", output, "--model", sealed, "--every", "100")
    table = read_parts(tmp_path / "h").to_pandas()
    origins = pd.date_range("2025-02-26", "2025-03-26", freq="100h")
    assert list(table["origin"].unique()) == list(origins)
    assert (table["start"] >= table["origin"]).all()
    # The last origin but those is a batch's: the same numbers by either way.
    cut = origins[-1]
    past = hourly_frame[hourly_frame["hour"] < cut]
    month = output / "hourly" / "year=2025" / "month=1"
    past.to_parquet(month / "a.parquet", index=False)
    run("predict", "--out", output, "--model", sealed)
    name = read_pointer(output / "predictions")
    assert name is not None
    _, rows = read_batch(output / "predictions", name)
    batch = rows.to_pandas()
    same = table[table["origin"] == cut].drop(columns="origin").reset_index(drop=True)
    pd.testing.assert_frame_equal(same, batch, check_dtype=False)


def test_run_does_every_step_and_uses_the_model_the_second_time(tmp_path: Path) -> None:
    out, model = tmp_path / "pipeline", tmp_path / "model"
    options = ["--sample-trips", "60000", "--out", out, "--reports", tmp_path / "reports"]
    run("run", *options, "--model", model)
    first = read_pointer(out / "predictions")
    status = read_status(out)
    assert status is not None
    assert status.rows_read == 60_000
    assert status.predictions == first
    made = (model / "manifest.json").read_bytes()
    assert status.forecast_sha256 == open_sealed(model).sha256

    run("run", *options, "--model", model, "--seed", "7")
    assert read_pointer(out / "predictions") != first
    assert (model / "manifest.json").read_bytes() == made


def test_a_sample_does_not_replace_real_months(output: Path, sealed: Path) -> None:
    before = sorted(output.rglob("*"))
    message = run("run", "--out", output, "--model", sealed, code=2)
    assert "holds the months of other trips" in message
    real = PipelineStatus.model_validate(
        {
            "run_id": "r", "started": "2025-01-01T00:00:00Z", "finished": "2025-01-01T00:01:00Z",
            "engine": "duckdb", "inputs": [{"path": "a.csv", "dialect": "api", "rows": 1}],
            "rows_read": 1, "rows_kept": 1, "dropped": {}, "months": [], "hours": 0,
        }
    )  # fmt: skip
    (output / "status.json").write_text(real.model_dump_json())
    assert "Give the inputs" in run("run", "--out", output, "--model", sealed, code=2)
    assert sorted(output.rglob("*")) == [*before, output / "status.json"]


def test_predict_warns_if_its_week_has_passed(output: Path, sealed: Path) -> None:
    result = CliRunner().invoke(app, ["predict", "--out", str(output), "--model", str(sealed)])
    assert result.exit_code == 0
    assert "at 2025-03-26 00:00: the week that is predicted after it has passed" in result.stderr


def test_predict_does_not_warn_about_a_recent_history(
    output: Path, sealed: Path, hourly_frame: pd.DataFrame
) -> None:
    end = pd.Timestamp.now("America/Chicago").tz_localize(None).floor("D")
    shift = end - hourly_frame["hour"].max().floor("D")
    moved = hourly_frame.assign(hour=hourly_frame["hour"] + shift)
    month = output / "hourly" / "year=2025" / "month=1"
    moved.to_parquet(month / "a.parquet", index=False)
    result = CliRunner().invoke(app, ["predict", "--out", str(output), "--model", str(sealed)])
    assert result.exit_code == 0, result.stderr
    assert "has passed" not in result.stderr


def test_a_model_of_another_service_is_reported(
    output: Path, sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if this one were not this service's; what it takes is not looked at.
    monkeypatch.setattr("chicagotaxi.forecast.sealed_model.SealedForecast.name", "another")
    monkeypatch.setattr("servicekit.models.open_sealed", None)
    # In a place of its own: this process may have opened the other one.
    shutil.copytree(sealed, tmp_path / "copy")
    message = run("predict", "--out", output, "--model", tmp_path / "copy", code=2)
    assert "holds the model 'chicagotaxi'" in message
    assert "not one of another" in message


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["predict", "--out", "nowhere"], 2, "no hourly demand in nowhere"),
        (["predict", "--engine", "dask"], 2, "no engine 'dask'. Give duckdb or pyspark"),
        (["hindcast", "h", "--engine", "pyspark", "--spark", "x"], 2, "--spark x: give a setting"),
        (["hindcast", "h", "--out", "nowhere"], 2, "no hourly demand in nowhere"),
        (["train", "--data", "nowhere.csv"], 2, "nowhere.csv does not exist"),
        (["train", "--out", "m", "--reports", "m/r"], 2, "lies in the model's folder"),
        (["backtest", "--folds", "60"], 2, "first of 60 origins"),
    ],
)
def test_unusable_input_is_reported_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in run(*arguments, code=code)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_refused_model_predicts_nothing(output: Path, sealed: Path) -> None:
    message = run("predict", "--out", output, "--model", sealed, "--model-sha256", "0" * 64, code=1)
    assert "the deployment expects" in message
    assert not (output / "predictions").exists()


def test_run_refuses_a_bad_model_before_any_work(sealed: Path, tmp_path: Path) -> None:
    out = tmp_path / "pipeline"
    run("run", "--model", sealed, "--model-sha256", "0" * 64, "--out", out, code=1)
    assert not out.exists()


def test_a_stopped_training_leaves_no_half_sealed_model(output: Path, tmp_path: Path) -> None:
    command = [*TRAIN, "--data", output, "--out", tmp_path / "m", "--reports", tmp_path / "r"]
    assert stop_when(tmp_path, ".m-*/*", signal.SIGTERM, *command) == 143
    assert not (tmp_path / "m").exists()
    assert not list(tmp_path.glob(".m-*"))


def test_help_imports_no_training_library() -> None:
    code = (
        "import sys; from chicagotaxi.cli import app\n"
        "loaded = {'lightgbm', 'pandas', 'numpy', 'fastapi', 'ibis', 'duckdb'} & set(sys.modules)\n"
        "sys.exit(repr(loaded) if loaded else 0)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
