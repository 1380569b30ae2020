"""Batches: complete or missing, and refused if they were changed."""

import hashlib
import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batches import predict, read_parts, write_batch
from chicagotaxi.arrow_schemas import prediction_schema
from chicagotaxi.batch.predict import identity
from chicagotaxi.batch.reader import (
    MAX_ROWS,
    BatchError,
    BatchInfo,
    read_batch,
    read_pointer,
)
from chicagotaxi.forecast.model import Thresholds
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.forecast.rows import categories, table
from chicagotaxi.history.panel import Panel
from chicagotaxi.locks import locked
from chicagotaxi.schema import InputStatus, PipelineStatus, read_status
from modelseal import OpenedModel
from servicekit.files import DataError
from synthetic import hourly

STATUS: Final = PipelineStatus.model_validate(
    {
        "run_id": "r", "started": "2025-01-01T00:00:00Z", "finished": "2025-01-01T00:01:00Z",
        "engine": "duckdb", "inputs": [InputStatus(path="a", dialect="api", rows=1)],
        "rows_read": 1, "rows_kept": 1, "dropped": {}, "months": [], "hours": 0,
    }
)  # fmt: skip


@pytest.fixture
def rows(forecaster: DemandForecaster, panel: Panel) -> pa.Table:
    model = forecaster.model
    return table(model, model.predict(panel), panel)


def write(folder: Path, rows: pa.Table, opened: OpenedModel) -> BatchInfo:
    return write_batch(folder, [rows], model=identity(opened), interval=0.9)


def test_a_batch_has_every_hour_and_area_of_a_week(
    predicted: Path, panel: Panel, opened: OpenedModel
) -> None:
    folder = predicted / "predictions"
    name = read_pointer(folder)
    assert name is not None
    info, rows = read_batch(folder, name)
    frame = rows.to_pandas()
    assert rows.schema == prediction_schema()
    assert info.rows == len(frame) == 168 * 8
    assert str(info.first_hour) == "2025-03-26 00:00:00"
    assert str(info.last_hour) == "2025-04-01 23:00:00"
    assert info.model == identity(opened)
    assert not frame.duplicated(["start", "pickup_community_area"]).any()
    assert (frame["hour"] == frame["start"].dt.hour).all()
    assert (frame["day_of_week"] == (frame["start"].dt.dayofweek + 1) % 7 + 1).all()
    assert (frame["is_weekend"] == frame["start"].dt.dayofweek.isin([5, 6])).all()
    assert set(frame["pickup_community_area"]) == set(panel.areas)


def test_predictions_are_those_of_the_model(
    rows: pa.Table, forecaster: DemandForecaster, panel: Panel
) -> None:
    forecast = forecaster.model.predict(panel)
    wide = rows.to_pandas().pivot_table(
        index="start", columns="pickup_community_area", values="predicted_demand"
    )
    np.testing.assert_allclose(wide.to_numpy(), forecast.expected, atol=1e-4)


def test_the_hour_that_the_clock_skips_is_not_predicted(forecaster: DemandForecaster) -> None:
    panel = Panel.from_frame(hourly(days=64))
    rows = table(forecaster.model, forecaster.model.predict(panel), panel).to_pandas()
    assert len(rows) == 167 * 8
    assert pd.Timestamp("2025-03-09 02:00") not in set(rows["start"])


def test_usual_fares_are_means_by_clock_hour_weighted_by_trips(
    rows: pa.Table, hourly_frame: pd.DataFrame
) -> None:
    recent = hourly_frame[
        hourly_frame["hour"] >= hourly_frame["hour"].max() - pd.Timedelta(hours=8 * 168 - 1)
    ]
    some = recent[(recent["area"] == 8) & (recent["hour"].dt.hour == 17)]
    expected = (some["avg_fare"] * some["trips"]).sum() / some["trips"].sum()
    frame = rows.to_pandas()
    shown = frame[(frame["pickup_community_area"] == 8) & (frame["hour"] == 17)]
    assert shown["avg_fare"].to_numpy() == pytest.approx(expected, abs=0.01)
    # Hardly a trip begins there, at some hours none: then it is the area's own mean.
    assert frame["avg_fare"].notna().all()


@pytest.mark.parametrize(("skipped", "days"), [(0, 84), (5, 60), (17, 30), (17, 1)])
def test_usual_fares_are_right_wherever_the_history_begins(
    forecaster: DemandForecaster, hourly_frame: pd.DataFrame, skipped: int, days: int
) -> None:
    hours = hourly_frame["hour"]
    first = hours.min() + pd.Timedelta(hours=skipped)
    frame = hourly_frame[(hours >= first) & (hours < first + pd.Timedelta(days=days))]
    panel = Panel.from_frame(frame)
    rows = table(forecaster.model, forecaster.model.predict(panel), panel).to_pandas()

    recent = frame[frame["hour"] >= frame["hour"].max() - pd.Timedelta(hours=8 * 168 - 1)]
    some = recent[recent["trips"] > 0]
    some = some.assign(clock=some["hour"].dt.hour, paid=some["avg_fare"] * some["trips"])
    by_clock, by_area = (
        sums["paid"] / sums["trips"]
        for sums in (
            some.groupby(keys)[["paid", "trips"]].sum() for keys in (["area", "clock"], "area")
        )
    )
    city = some["paid"].sum() / some["trips"].sum()
    expected = [
        by_clock.get((area, clock), by_area.get(area, city))
        for area, clock in zip(rows["pickup_community_area"], rows["hour"], strict=True)
    ]
    np.testing.assert_allclose(rows["avg_fare"], expected, atol=0.006)


def test_fares_without_any_known_are_null(forecaster: DemandForecaster, panel: Panel) -> None:
    bare = Panel(panel.start, panel.areas, panel.trips)
    rows = table(forecaster.model, forecaster.model.predict(bare), bare)
    assert rows["avg_fare"].null_count == len(rows)


def test_categories_begin_at_their_thresholds() -> None:
    thresholds = Thresholds(medium=1, high=4, very_high=10)
    demand = np.array([0, 0.99, 1, 3.9, 4, 9.9, 10, 500])
    assert categories(demand, thresholds).to_pylist() == (
        ["LOW"] * 2 + ["MEDIUM"] * 2 + ["HIGH"] * 2 + ["VERY_HIGH"] * 2
    )


def test_the_pointer_is_the_latest_batch_and_old_ones_are_removed(
    tmp_path: Path, rows: pa.Table, opened: OpenedModel
) -> None:
    names = [write(tmp_path, rows, opened).batch for _ in range(5)]
    assert read_pointer(tmp_path) == names[-1]
    left = {path.name for path in tmp_path.iterdir()}
    assert names[-1] in left
    assert len(left) == 4  # three batches and the pointer
    assert "current" in left


def test_a_batch_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, rows: pa.Table, opened: OpenedModel
) -> None:
    first = write(tmp_path, rows, opened)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(DataError, match="cannot be written"):
            write(tmp_path, rows, opened)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_pointer(tmp_path) == first.batch
    assert {path.name for path in tmp_path.iterdir()} == {first.batch, "current"}


def test_parts_are_in_order_whatever_an_engine_named_them_and_none_is_empty(
    tmp_path: Path, rows: pa.Table, opened: OpenedModel
) -> None:
    days = [rows.slice(day * 192, 192) for day in range(7)]
    mixed = [days[3], rows.slice(0, 0), days[6], days[0], days[5], days[1], days[4], days[2]]
    info = write_batch(tmp_path, mixed, model=identity(opened), interval=0.9)
    assert [part.rows for part in info.parts] == [192] * 7
    assert read_parts(tmp_path).to_pydict() == rows.to_pydict()
    assert (info.first_hour, info.last_hour) == (
        rows["start"][0].as_py(),
        rows["start"][-1].as_py(),
    )


def test_other_columns_or_no_rows_are_refused(
    tmp_path: Path, rows: pa.Table, opened: OpenedModel
) -> None:
    first = write(tmp_path, rows, opened)
    with pytest.raises(DataError, match="not those of predictions"):
        write(tmp_path, rows.drop_columns("upper"), opened)
    with pytest.raises(DataError, match="nothing to predict"):
        write(tmp_path, rows.slice(0, 0), opened)
    assert {path.name for path in tmp_path.iterdir()} == {first.batch, "current"}


def test_there_is_no_pointer_before_the_first_batch(tmp_path: Path) -> None:
    assert read_pointer(tmp_path) is None
    assert read_pointer(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "text", ["", "../../etc", "20250101T000000-abcdef12/..", "\xff", "x" * 999]
)
def test_a_pointer_that_does_not_name_a_batch_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "current").write_text(text, encoding="latin-1")
    with pytest.raises(BatchError) as caught:
        read_pointer(tmp_path)
    assert caught.value.code == "pointer"


def spoil_part(batch: Path) -> None:
    part = batch / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"x")


def cut_part(batch: Path) -> None:
    (batch / "part-00000.parquet").unlink()


def cut_info(batch: Path) -> None:
    (batch / "batch.json").write_text("{")


def another_batch(batch: Path) -> None:
    info = json.loads((batch / "batch.json").read_text())
    info["batch"] = "20200101T000000-00000000"
    (batch / "batch.json").write_text(json.dumps(info))


def outside(batch: Path) -> None:
    info = json.loads((batch / "batch.json").read_text())
    info["parts"][0]["name"] = "../current"
    (batch / "batch.json").write_text(json.dumps(info))


def other_columns(batch: Path) -> None:
    part = batch / "part-00000.parquet"
    pq.write_table(pa.table({"hour": [1] * pq.read_metadata(part).num_rows}), part)
    info = json.loads((batch / "batch.json").read_text())
    info["parts"][0]["sha256"] = hashlib.sha256(part.read_bytes()).hexdigest()
    (batch / "batch.json").write_text(json.dumps(info))


def wrong_count(batch: Path) -> None:
    info = json.loads((batch / "batch.json").read_text())
    info["rows"] += 1
    (batch / "batch.json").write_text(json.dumps(info))


def far_too_many(batch: Path) -> None:
    part = batch / "part-00000.parquet"
    one = pq.read_table(part).slice(0, 1)
    rows = pa.concat_tables([one] * (MAX_ROWS + 1)).combine_chunks()
    pq.write_table(rows, part, compression="zstd")
    info = json.loads((batch / "batch.json").read_text())
    info["parts"][0]["sha256"] = hashlib.sha256(part.read_bytes()).hexdigest()
    info["rows"] = info["parts"][0]["rows"] = rows.num_rows
    (batch / "batch.json").write_text(json.dumps(info))


@pytest.mark.parametrize("spoil", [far_too_many, wrong_count])
def test_rows_are_counted_before_any_is_read(
    predicted: Path, spoil: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = predicted / "predictions"
    name = read_pointer(folder)
    assert name is not None
    spoil(folder / name)
    assert (folder / name / "part-00000.parquet").stat().st_size < 200_000

    def expand(*_arguments: object, **_options: object) -> pa.Table:
        raise AssertionError("it was expanded")

    monkeypatch.setattr(pq.ParquetFile, "read", expand)
    monkeypatch.setattr(pq, "read_table", expand)
    with pytest.raises(BatchError, match=r"rows.*Run `predict` again\.$") as caught:
        read_batch(folder, name)
    assert caught.value.code == "rows"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (spoil_part, "digest"),
        (cut_part, "missing"),
        (cut_info, "form"),
        (another_batch, "form"),
        (outside, "form"),
        (other_columns, "form"),
        (wrong_count, "rows"),
    ],
)
def test_a_batch_that_was_changed_is_refused(
    predicted: Path, spoil: Callable[[Path], None], code: str
) -> None:
    folder = predicted / "predictions"
    name = read_pointer(folder)
    assert name is not None
    spoil(folder / name)
    with pytest.raises(BatchError) as caught:
        read_batch(folder, name)
    assert caught.value.code == code


def test_the_status_has_the_predictions(
    output: Path, sealed: Path, opened: OpenedModel, panel: Panel
) -> None:
    (output / "status.json").write_text(STATUS.model_dump_json())
    info = predict(sealed, panel, output)
    noted = read_status(output)
    assert noted is not None
    assert noted.run_id == "r"
    assert noted.predictions == info.batch
    assert noted.forecast_sha256 == opened.sha256
    assert noted.horizon_hours == 168


def test_predict_does_not_write_while_another_run_holds_the_lock(
    output: Path, sealed: Path, panel: Panel
) -> None:
    with locked(output), pytest.raises(DataError, match="Another run writes to"):
        predict(sealed, panel, output)
    assert not (output / "predictions").exists()


def test_an_interrupted_exchange_is_completed_first(
    output: Path, sealed: Path, panel: Panel
) -> None:
    journal = output / ".journal.json"
    journal.write_text(json.dumps({"staging": ".staging-r", "places": ["status.json"]}))
    new = output / ".staging-r" / "new" / "status.json"
    new.parent.mkdir(parents=True)
    new.write_text(STATUS.model_dump_json())
    info = predict(sealed, panel, output)
    noted = read_status(output)
    assert noted is not None
    assert (noted.run_id, noted.predictions) == ("r", info.batch)
    assert not journal.exists()
