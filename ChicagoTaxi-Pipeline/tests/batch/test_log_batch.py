"""The prediction log of batches, joined with what came true."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from batches import read_parts
from chicagotaxi.batch.reader import read_pointer
from chicagotaxi.cli import app
from chicagotaxi.forecast.metrics import FORECAST
from chicagotaxi.forecast.train import Training
from chicagotaxi.prediction_log import SCHEMA
from modelseal import OpenedModel
from modelwatch.cli import app as modelwatch
from modelwatch.profile import CategoryProfile, NumberProfile, read_profile
from modelwatch.testing import DEAD_BUCKET, WrittenLog
from typer.testing import CliRunner


def predict(output: Path, sealed: Path, code: int = 0, **environment: str) -> tuple[str, str]:
    result = CliRunner().invoke(
        app, ["predict", "--out", str(output), "--model", str(sealed)], env=environment
    )
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def test_every_prediction_of_a_batch_is_logged_once(
    output: Path, sealed: Path, opened: OpenedModel, tmp_path: Path
) -> None:
    shown, _ = predict(output, sealed, PREDICTION_LOG=str(tmp_path / "log"))
    batch = read_parts(output / "predictions").to_pylist()
    assert f"Logged {len(batch):,} predictions in {tmp_path / 'log'}" in shown
    log = WrittenLog(tmp_path / "log")
    first = batch[0]["start"]
    assert sorted(
        (row["key.hour"], row["key.area"], *(row[f"output.{name}"] for name in SCHEMA.outputs))
        for row in log.rows
    ) == sorted(
        (
            f"{row['start']:%Y-%m-%d %H:%M:%S}",
            row["pickup_community_area"],
            *(row[name] for name in SCHEMA.outputs),
        )
        for row in batch
    )
    assert len(set(log.values("prediction_id"))) == len(batch)
    assert set(log.values("model")) == {opened.sha256}
    assert set(log.values("request_id")) == {read_pointer(output / "predictions")}
    assert set(log.values("feature.days_ahead")) == set(range(1, 8))
    for row in log.rows:
        day = pd.Timestamp(row["key.hour"])
        assert row["feature.days_ahead"] == (day - first) // timedelta(days=1) + 1
        assert row["feature.day_of_week"] == (day.dayofweek + 1) % 7 + 1
        assert row["feature.area"] == str(int(row["key.area"]))


def test_warnings_of_a_batch_are_logged(
    output: Path, sealed: Path, hourly_frame: pd.DataFrame, tmp_path: Path
) -> None:
    [month] = (output / "hourly").rglob("*.parquet")
    strange = hourly_frame.assign(area=hourly_frame["area"].replace(hourly_frame["area"].max(), 77))
    strange.to_parquet(month, index=False)
    predict(output, sealed, PREDICTION_LOG=str(tmp_path / "log"))
    marked = {
        row["feature.area"]
        for row in WrittenLog(tmp_path / "log").rows
        if "area_not_in_training" in row["warnings"]
    }
    assert marked == {"77"}


@pytest.mark.parametrize("store", ["no-folder", "dead-bucket"])
def test_a_batch_that_cannot_be_logged_is_served_and_the_job_may_try_again(
    output: Path, sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    monkeypatch.setattr("chicagotaxi.batch.log_batch._WRITE_S", 1.0)
    (tmp_path / "file").write_bytes(b"")
    broken = {"PREDICTION_LOG": str(tmp_path / "file")} if store == "no-folder" else DEAD_BUCKET
    _, errors = predict(output, sealed, code=75, **broken)
    batch = read_pointer(output / "predictions")
    rows = len(read_parts(output / "predictions"))
    assert f"{rows:,} of {rows:,} predictions are not in the prediction log" in errors
    assert f"The batch {batch} is complete, and is served." in errors


def test_a_place_that_is_none_is_refused_before_the_work(output: Path, sealed: Path) -> None:
    _, errors = predict(output, sealed, code=2, PREDICTION_LOG="ftp://host/log")
    assert "ftp://host/log is not the address of a prediction log" in errors
    assert not (output / "predictions").exists()


def test_without_a_place_nothing_is_logged(output: Path, sealed: Path) -> None:
    shown, _ = predict(output, sealed)
    assert "Logged" not in shown


def test_the_demand_of_the_predicted_hours_is_their_outcome(
    output: Path, sealed: Path, hourly_frame: pd.DataFrame, tmp_path: Path
) -> None:
    """A week is predicted; the week comes; its demand is joined, and reported."""
    [month] = (output / "hourly").rglob("*.parquet")
    last = hourly_frame["hour"].max()
    hourly_frame[hourly_frame["hour"] <= last - timedelta(days=7)].to_parquet(month, index=False)
    log = tmp_path / "log"
    predict(output, sealed, PREDICTION_LOG=str(log))
    hourly_frame.to_parquet(month, index=False)

    outcomes = tmp_path / "outcomes.parquet"
    written = CliRunner().invoke(
        app, ["outcomes", str(outcomes), "--out", str(output), "--days", "10"]
    )
    assert written.exit_code == 0, written.output
    table = pq.read_table(outcomes)
    assert table.column_names == ["hour", "area", "trips"]
    assert f"{len(table):,} outcomes" in written.output
    expected = hourly_frame[hourly_frame["hour"] > last - timedelta(days=10)]
    pd.testing.assert_frame_equal(
        table.to_pandas().sort_values(["hour", "area"], ignore_index=True),
        expected[["hour", "area", "trips"]].sort_values(["hour", "area"], ignore_index=True),
        check_dtype=False,
    )

    counts = join(outcomes, log)
    rows = len(WrittenLog(log).rows)
    assert counts == {"rows": len(table), "new": len(table), "matched": rows} | {
        "unmatched": len(table) - rows
    }
    # The next night changes nothing.
    assert join(outcomes, log) == counts | {"new": 0, "known": len(table)}


def join(outcomes: Path, log: Path) -> dict[str, int]:
    """The counts of `modelwatch truth` as the nightly job calls it, without zeros."""
    keys = ["--key", "area", "--key", "hour", "--outcome", "trips", "--number"]
    done = CliRunner().invoke(modelwatch, ["truth", str(outcomes), "--log", str(log), *keys])
    assert done.exit_code == 0, done.output
    lines = (line.split(":") for line in done.output.splitlines())
    found = {name: int(count.replace(",", "")) for name, count in lines}
    return {name: count for name, count in found.items() if count or name == "new"}


def test_the_sealed_profile_describes_the_back_test(sealed: Path, training: Training) -> None:
    profile = read_profile(sealed)
    overall = training.report.overall
    demand = profile.outputs["predicted_demand"]
    assert isinstance(demand, NumberProfile)
    assert demand.rows == overall.cells
    categories = profile.outputs["demand_category"]
    assert isinstance(categories, CategoryProfile)
    assert set(categories.levels) <= {"LOW", "MEDIUM", "HIGH", "VERY_HIGH"}
    areas = profile.features["area"]
    assert isinstance(areas, CategoryProfile)
    assert set(areas.levels) == set(map(str, training.forecaster.model.areas))
    days = profile.groups["days_ahead"]
    assert {name: group.rows for name, group in days.items()} == dict(
        zip(
            ("below 2", "2 to 3", "3 to 4", "4 to 5", "5 to 6", "6 to 7", "from 7"),
            (comparison.cells for comparison in training.report.days_ahead),
            strict=True,
        )
    )
    task = profile.task
    assert task is not None
    assert (task.kind, task.output, task.low, task.high) == (
        "number",
        "predicted_demand",
        "lower",
        "upper",
    )
    assert task.coverage == training.report.interval
    assert task.performance == {
        "mae": overall.errors[FORECAST].mae,
        "wape": overall.errors[FORECAST].wape,
        "coverage": overall.coverage,
    }
