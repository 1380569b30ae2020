"""The files of a sealed model, its golden set, and a whole training."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from chicagotaxi.forecast.backtest import BacktestOptions
from chicagotaxi.forecast.features import FEATURES, WINDOW
from chicagotaxi.forecast.golden import golden_inputs
from chicagotaxi.forecast.model import ForecastOptions
from chicagotaxi.forecast.model_files import (
    BATCH_OUTPUTS,
    MODEL_OUTPUTS,
    DemandForecaster,
    GoldenInput,
    load,
    pack,
)
from chicagotaxi.forecast.rows import table, week_after
from chicagotaxi.forecast.train import Training, fingerprint, model_version, seal, train
from chicagotaxi.history.panel import Panel
from modelseal import OpenedModel, SealError, open_sealed
from modelseal.errors import GoldenMismatchError
from modelseal.opening import check_environment


def test_a_packed_model_forecasts_as_before(forecaster: DemandForecaster, panel: Panel) -> None:
    again = load(pack(forecaster))
    one, other = (which.model.predict(panel, 1500) for which in (forecaster, again))
    np.testing.assert_array_equal(one.expected, other.expected)
    np.testing.assert_array_equal(one.lower, other.lower)
    np.testing.assert_array_equal(one.upper, other.upper)
    assert again.model.thresholds == forecaster.model.thresholds
    assert again.trained_on == forecaster.trained_on
    assert again.outputs == forecaster.outputs


def test_the_files_are_text_and_nothing_is_pickled(training: Training) -> None:
    assert set(training.files) == {"booster.txt", "forecast.json", "reference_profile.json"}
    assert training.files["booster.txt"].startswith(b"tree\n")
    for content in training.files.values():
        content.decode("ascii")


def test_a_model_of_other_features_is_not_loaded(training: Training) -> None:
    files = dict(training.files)
    files["forecast.json"] = files["forecast.json"].replace(b"lag_1_week", b"lag_1_year")
    with pytest.raises(ValueError, match="trained on the features"):
        load(files)


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("time_zone", "America/New_York", r"Chicago \(America/New_York\)"),
        ("name", "Springfield", r"Springfield \(America/Chicago\)"),
    ],
)
def test_a_model_of_another_city_is_not_loaded(
    field: str, value: str, shown: str, training: Training
) -> None:
    forecast = json.loads(training.files["forecast.json"])
    forecast["city"][field] = value
    files = {**training.files, "forecast.json": json.dumps(forecast).encode()}
    with pytest.raises(ValueError, match=rf"trained for {shown}, and city\.py declares Chicago"):
        load(files)


def test_golden_inputs_hold_histories_exactly(panel: Panel) -> None:
    trips = panel.trips.copy()
    trips[5, 2] = np.nan
    held = GoldenInput.of(Panel(panel.start, panel.areas, trips))
    read = GoldenInput.model_validate_json(held.model_dump_json()).panel()
    np.testing.assert_array_equal(read.trips, trips)
    assert read.start == panel.start
    assert read.areas == panel.areas


def test_golden_inputs_cover_holidays_gaps_strangers_and_the_changing_clock() -> None:
    inputs = [one.panel() for one in golden_inputs(tuple(range(1, 78)))]
    assert all(len(one.trips) == WINDOW for one in inputs)
    assert all(set(one.areas) == {1, 39, 77, 0} for one in inputs)
    days = {str(one.end.astype("datetime64[D]")) for one in inputs}
    assert {"2025-11-24", "2025-12-22", "2025-03-06", "2025-11-01"} <= days
    assert any(np.isnan(one.trips).any() for one in inputs)
    assert any((one.trips == 0).all(axis=0).any() for one in inputs)
    assert max(float(np.nanmax(one.trips)) for one in inputs) > 300
    assert {int(one.end.astype(int)) % 24 for one in inputs} > {0}


def test_a_seal_proves_expectations_and_intervals(opened: OpenedModel) -> None:
    golden = opened.manifest.golden
    assert set(golden.outputs) == {*MODEL_OUTPUTS, *BATCH_OUTPUTS}
    assert [one.outputs for one in golden.agreements] == [
        ("expected", "batch_expected"),
        ("lower", "batch_lower"),
        ("upper", "batch_upper"),
    ]
    expected = [np.array(values) for values in golden.outputs["expected"]]
    lower = [np.array(values) for values in golden.outputs["lower"]]
    assert all(values.shape == (24 * 4,) for values in expected)
    assert all((low <= middle).all() for low, middle in zip(lower, expected, strict=True))
    # Not one number that every model gives.
    assert len({round(float(value), 3) for values in expected for value in values}) > 100


def wrong_area(rows: pa.Table) -> pa.Table:
    """As if areas were written in another order than the forecast's."""
    column = "pickup_community_area"
    return rows.set_column(0, rows.schema.field(column), rows[column].take(_swapped(rows)))


def wrong_hour(rows: pa.Table) -> pa.Table:
    starts = rows["start"].take(pa.array(np.roll(np.arange(len(rows)), 4)))
    return rows.set_column(1, rows.schema.field("start"), starts)


def _swapped(rows: pa.Table) -> pa.Array:
    return pa.array(np.arange(len(rows)).reshape(-1, 4)[:, [1, 0, 2, 3]].reshape(-1))


@pytest.mark.parametrize("wrong", [wrong_area, wrong_hour])
def test_a_model_whose_batches_are_not_its_forecasts_is_not_sealed(
    training: Training,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[pa.Table], pa.Table],
) -> None:
    right = week_after
    monkeypatch.setattr(
        "chicagotaxi.forecast.model_files.week_after", lambda *arguments: wrong(right(*arguments))
    )
    with pytest.raises(SealError, match="'expected' and 'batch_expected' are the same answer"):
        seal(training, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_model_whose_batches_see_the_future_is_not_sealed(
    training: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The origin's week is forecast from a history that goes on for a day after it.
    monkeypatch.setattr(Panel, "until", lambda panel, _row: panel)
    with pytest.raises(SealError, match="are the same answer"):
        seal(training, tmp_path / "model")


def test_a_model_of_an_earlier_release_opens_without_newer_fields(
    training: Training, panel: Panel
) -> None:
    form = json.loads(training.files["forecast.json"])
    del form["trained_on"], form["outputs"]
    files = {**training.files, "forecast.json": json.dumps(form).encode()}
    old = load(files)
    inputs = [one.model_dump(mode="json") for one in golden_inputs(panel.areas)[:1]]
    assert set(old.replay(inputs)) == {"expected", "lower", "upper"}
    assert old.trained_on is None
    rows = table(old.model, old.model.predict(panel), panel, old.trained_on)
    assert set(rows["warnings"].to_pylist()) == {""}


def test_a_seal_guards_the_libraries_of_the_forecast_and_not_of_the_service(
    opened: OpenedModel,
) -> None:
    guarded = set(opened.manifest.guarded)
    assert guarded >= {"chicagotaxi", "holidays", "lightgbm", "numpy", "pandas", "scipy"}
    assert not guarded & {"duckdb", "fastapi", "ibis-framework", "pyspark", "playwright", "typer"}
    assert check_environment(opened.manifest) == opened.running


def test_a_model_with_other_outputs_is_refused(
    sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chicagotaxi.forecast.features._FADE", np.float32(0.5))
    with pytest.raises(GoldenMismatchError, match="expected"):
        open_sealed(sealed)


def test_the_manifest_has_the_errors_of_the_model_and_its_baselines(
    opened: OpenedModel, training: Training
) -> None:
    metrics, overall = opened.manifest.metrics, training.report.overall
    assert metrics["mae"] == overall.errors["forecast"].mae
    assert metrics["mae_seasonal_naive"] == overall.errors["seasonal_naive"].mae
    assert metrics["skill_naive"] == overall.skill_naive
    assert metrics["coverage"] == overall.coverage
    assert opened.manifest.version == training.version
    assert opened.manifest.data["source"] == "synthetic"
    assert opened.manifest.data["hours"] == 84 * 24


def test_the_version_names_the_data_and_the_options(panel: Panel) -> None:
    options = ForecastOptions()
    trips = panel.trips.copy()
    trips[3, 3] += 1
    versions = {
        model_version(panel, options),
        model_version(Panel(panel.start, panel.areas, trips), options),
        model_version(panel, ForecastOptions(seed=1)),
        model_version(panel, ForecastOptions(trees=49)),
    }
    assert len(versions) == 4
    assert model_version(panel, options) in versions
    assert fingerprint(panel) == fingerprint(Panel(panel.start, panel.areas, panel.trips.copy()))


def test_the_same_training_gives_the_same_bytes(panel: Panel) -> None:
    def files() -> dict[str, bytes]:
        made = train(
            panel,
            about={"source": "x"},
            options=ForecastOptions(rows=5000, trees=5),
            folds=BacktestOptions(folds=1),
        )
        return made.files

    assert files() == files()


def test_features_have_names_of_their_own() -> None:
    assert len(set(FEATURES)) == len(FEATURES)
