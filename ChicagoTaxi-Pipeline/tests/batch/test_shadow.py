"""A challenger that predicts each batch, too."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from batches import read_parts
from chicagotaxi.batch.log_batch import LoggedBatch
from chicagotaxi.batch.reader import read_pointer
from chicagotaxi.batch.shadow import predict_in_shadow
from chicagotaxi.cli import app
from chicagotaxi.forecast.backtest import BacktestOptions
from chicagotaxi.forecast.model import ForecastOptions
from chicagotaxi.forecast.train import seal, train
from chicagotaxi.history.panel import Panel
from chicagotaxi.prediction_log import SCHEMA
from modelseal.manifest import read_manifest
from modelwatch.log import LogSettings
from modelwatch.profile import read_profile
from modelwatch.reporting.report import make_report
from modelwatch.reporting.shadow_differences import NumberDifference
from modelwatch.store import open_store
from modelwatch.testing import WrittenLog
from modelwatch.testing.shadow_faults import FAULTS, write_fault
from typer.testing import CliRunner

ROWS = 7 * 24 * 8
ENDLESS = ("hangs", "spins")


@pytest.fixture(scope="module")
def challenger(panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("challenger") / "chicagotaxi"
    training = train(
        panel,
        about={"source": "synthetic"},
        options=ForecastOptions(seed=4, rows=20_000, trees=10),
        folds=BacktestOptions(folds=2),
    )
    seal(training, folder)
    return folder


def predict(output: Path, sealed: Path, code: int = 0, **environment: object) -> tuple[str, str]:
    result = CliRunner().invoke(
        app,
        ["predict", "--out", str(output), "--model", str(sealed)],
        env={name: str(value) for name, value in environment.items()},
        catch_exceptions=False,
    )
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def published(output: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of the served batch, and its description without its name and time."""
    folder = output / "predictions" / str(read_pointer(output / "predictions"))
    info = json.loads((folder / "batch.json").read_bytes())
    del info["batch"], info["created"]
    return {path.name: path.read_bytes() for path in folder.glob("*.parquet")}, info


def test_the_challenger_s_predictions_join_those_of_the_batch(
    output: Path, sealed: Path, challenger: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    shown, errors = predict(output, sealed, PREDICTION_LOG=log, SHADOW_MODEL_DIR=challenger)
    assert f"Logged {ROWS:,} predictions in {log}" in shown
    assert f"Logged {ROWS:,} predictions of the challenger" in shown
    assert "Shadow" not in errors
    champion, shadow = WrittenLog(log), WrittenLog(log, "shadow")
    by_id = {row["prediction_id"]: row for row in champion.rows}
    assert sorted(shadow.values("prediction_id")) == sorted(by_id)
    assert set(shadow.values("model")) == {read_manifest(challenger)[1]}
    # What the challenger would have published.
    predict(output, challenger)
    expected = {
        (row["pickup_community_area"], f"{row['start']:%Y-%m-%d %H:%M:%S}"): row
        for row in read_parts(output / "predictions").to_pylist()
    }
    differs = 0
    for row in shadow.rows:
        other = by_id[row["prediction_id"]]
        cell = expected[other["key.area"], other["key.hour"]]
        for name in SCHEMA.outputs:
            assert row[f"output.{name}"] == cell[name]
        for name in ("request_id", "time", *(f"feature.{name}" for name in SCHEMA.features)):
            assert row[name] == other[name]
        differs += row["output.predicted_demand"] != other["output.predicted_demand"]
    assert differs > ROWS / 2


def test_the_published_batch_is_the_same_with_and_without(
    output: Path, sealed: Path, challenger: Path, tmp_path: Path
) -> None:
    predict(output, sealed)
    alone = published(output)
    assert alone[0]
    predict(output, sealed, PREDICTION_LOG=tmp_path / "log", SHADOW_MODEL_DIR=challenger)
    assert published(output) == alone


@pytest.mark.parametrize("fault", FAULTS)
def test_a_challenger_that_misbehaves_changes_nothing(
    output: Path, sealed: Path, challenger: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    predict(output, sealed)
    alone = published(output)
    if fault in ENDLESS:
        monkeypatch.setattr("chicagotaxi.batch.shadow._TIMEOUT_S", 5.0)
    site, log = write_fault(output.parent / "site", fault), output.parent / "log"
    shown, errors = predict(
        output, sealed, PREDICTION_LOG=log, SHADOW_MODEL_DIR=challenger, PYTHONPATH=site
    )
    assert published(output) == alone
    assert len(WrittenLog(log).rows) == ROWS
    answered = ROWS if fault == "slow" else 0
    assert len(WrittenLog(log, "shadow").rows) == answered
    assert f"Logged {answered:,} predictions of the challenger" in shown
    reason = {
        "raises": "Shadow: the challenger cannot answer: ValueError: no such leaf",
        "aborts": "Shadow: its process ended with status -6.",
    } | dict.fromkeys(ENDLESS, "Shadow: its process was not done after 5 s, and was killed.")
    assert reason.get(fault, "") in errors
    assert ("Shadow" in errors) == (fault != "slow")


def test_a_challenger_that_is_refused_changes_nothing(
    output: Path, sealed: Path, challenger: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    for setting, reason in (
        ({"SHADOW_MODEL_DIR": tmp_path / "none"}, "manifest: "),
        (
            {"SHADOW_MODEL_DIR": challenger, "SHADOW_MODEL_SHA256": read_manifest(sealed)[1]},
            "manifest-digest: ",
        ),
    ):
        shown, errors = predict(output, sealed, PREDICTION_LOG=log, **setting)
        assert f"Shadow: the challenger is refused: {reason}" in errors
        assert f"Logged {ROWS:,} predictions in {log}" in shown
    assert not (log / "shadow").exists()


def test_the_challenger_needs_the_signature_that_the_model_needs(
    panel: Panel, challenger: Path, tmp_path: Path
) -> None:
    settings = LogSettings(prediction_log=str(tmp_path / "log"), shadow_model_dir=challenger)
    start = panel.end.astype("datetime64[us]").item()
    row = {"pickup_community_area": panel.areas[0], "start": start}
    logged = LoggedBatch("night", 0.0, [row, row], ["a", None], 1)
    warned: list[str] = []
    key = f"ed25519:{b64encode(bytes(range(32))).decode()}"
    assert predict_in_shadow(settings, [key], panel, logged, warned.append) == 0
    assert "Shadow: the challenger is refused: unsigned: " in warned[0]
    assert predict_in_shadow(settings, [], panel, logged, warned.append) == 1
    assert WrittenLog(tmp_path / "log", "shadow").values("prediction_id") == ["a"]


def test_a_challenger_without_a_log_is_refused_before_the_work(
    output: Path, sealed: Path, challenger: Path
) -> None:
    _, errors = predict(output, sealed, code=2, SHADOW_MODEL_DIR=challenger)
    assert "SHADOW_MODEL_DIR is set, but PREDICTION_LOG is not" in errors
    assert not (output / "predictions").exists()


def test_run_predicts_in_the_shadow_too(sealed: Path, challenger: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    result = CliRunner().invoke(
        app,
        ["run", "--out", str(tmp_path / "out"), "--model", str(sealed), "--sample-trips", "200000"],
        env={"PREDICTION_LOG": str(log), "SHADOW_MODEL_DIR": str(challenger)},
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    names = WrittenLog(log).values("prediction_id")
    assert names
    assert sorted(WrittenLog(log, "shadow").values("prediction_id")) == sorted(names)


def test_the_report_compares_both(
    output: Path, sealed: Path, challenger: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    _, errors = predict(output, sealed, PREDICTION_LOG=log, SHADOW_MODEL_DIR=challenger)
    assert "Shadow" not in errors
    day = WrittenLog(log).rows[0]["time"].date()
    shadow = make_report(open_store(str(log)), read_profile(sealed), day, day).shadow
    assert shadow is not None
    assert (shadow.pairs, shadow.share) == (ROWS, 1.0)
    assert shadow.challenger == read_manifest(challenger)[1]
    assert set(shadow.outputs) == set(SCHEMA.outputs)
    difference = shadow.outputs["predicted_demand"]
    assert isinstance(difference, NumberDifference)
    assert difference.mean_absolute > 0
