"""Trains a model: back-test, fit on all data, seal."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import lightgbm
import modelseal
import numpy as np
from modelseal import Manifest
from modelwatch.profile import PROFILE_NAME
from pydantic import JsonValue
from servicekit.progress import Advance, silent
from servicekit.training_rows import ROW_SKETCH, RowSketch, digest_rows

from chicagotaxi.forecast.backtest import BacktestOptions, backtest, backtest_steps, describe
from chicagotaxi.forecast.baselines import FOUR_WEEKS, SEASONAL_NAIVE
from chicagotaxi.forecast.golden import make_golden_set
from chicagotaxi.forecast.metrics import FORECAST, BacktestReport, Comparison
from chicagotaxi.forecast.model import ForecastOptions, fit, fit_steps
from chicagotaxi.forecast.model_files import MODEL_NAME, DemandForecaster, load, pack
from chicagotaxi.forecast.reference_profile import reference_profile
from chicagotaxi.forecast.sufficiency import check_to_train
from chicagotaxi.forecast.trained_on import TrainedOn, trained_rows
from chicagotaxi.forecast.trees import PARAMETERS
from chicagotaxi.history.panel import Panel


@dataclass(frozen=True)
class Training:
    """Result of a training: the forecaster in memory, its files, its back-test, and its rows."""

    forecaster: DemandForecaster
    files: dict[str, bytes]
    version: str
    report: BacktestReport
    options: ForecastOptions
    sketch: RowSketch


def train_steps(folds: BacktestOptions) -> int:
    """Number of steps that `train` and `seal` report together."""
    return backtest_steps(folds) + fit_steps() + 1


def train(
    panel: Panel,
    *,
    about: Mapping[str, JsonValue],
    options: ForecastOptions,
    folds: BacktestOptions,
    progress: Advance = silent,
    version_override: str | None = None,
) -> Training:
    """Back-test and train in memory. The same history and options give the same model.

    Raises:
        DataError: The history is too short, or too little of it is known.
    """
    check_to_train(panel)
    data = describe(panel, {**about, "sha256": fingerprint(panel)})
    tested = backtest(panel, folds, options, data=data, progress=progress)
    model = fit(panel, options, progress=progress)
    files = pack(DemandForecaster(model, TrainedOn.of(panel)))
    # Loaded from the packed bytes, so that it is the model that will be sealed.
    forecaster = load(files)
    reference = reference_profile(tested, panel.areas, model.thresholds)
    files[PROFILE_NAME] = reference.model_dump_json().encode()
    return Training(
        forecaster,
        files,
        version_override or model_version(panel, options),
        tested.report,
        options,
        RowSketch.of(digest_rows(trained_rows(panel))),
    )


def seal(training: Training, destination: Path, *, progress: Advance = silent) -> Manifest:
    """Seal a trained model into a folder.

    Raises:
        modelseal.SealError: It cannot be sealed; the destination is as it was before.
    """
    progress(step="seal the model, proving it in a fresh process")
    model = training.forecaster.model
    parameters: dict[str, JsonValue] = {
        "options": training.options.model_dump(),
        "lightgbm": {name: str(value) for name, value in PARAMETERS.items()},
        "thresholds": model.thresholds.model_dump(),
        "areas": len(model.areas),
    }
    return modelseal.seal(
        destination,
        name=MODEL_NAME,
        version=training.version,
        loader=MODEL_NAME,
        files=training.files,
        golden=make_golden_set(training.forecaster),
        data={**training.report.data, ROW_SKETCH: training.sketch.to_json()},
        metrics=_metrics(training.report.overall),
        parameters=parameters,
    )


def fingerprint(panel: Panel) -> str:
    """SHA-256 of the data that a model learns from: hours, areas and trips."""
    digest = hashlib.sha256(f"{panel.start} {panel.areas}".encode())
    digest.update(np.ascontiguousarray(panel.trips).tobytes())
    return digest.hexdigest()


def model_version(panel: Panel, options: ForecastOptions) -> str:
    """The package's version, with a digest of data, options and libraries."""
    libraries = [lightgbm.__version__, np.__version__]
    made_of = repr((fingerprint(panel), options.model_dump(), PARAMETERS, libraries))
    return f"{version('chicagotaxi')}+{hashlib.sha256(made_of.encode()).hexdigest()[:8]}"


def _metrics(overall: Comparison) -> Mapping[str, float]:
    errors = overall.errors
    figures: dict[str, float | None] = {
        "mae": errors[FORECAST].mae,
        "rmse": errors[FORECAST].rmse,
        "wape": errors[FORECAST].wape,
        "r2": errors[FORECAST].r2,
        "mae_seasonal_naive": errors[SEASONAL_NAIVE].mae,
        "mae_mean_of_4_weeks": errors[FOUR_WEEKS].mae,
        "skill_naive": overall.skill_naive,
        "skill_best": overall.skill_best,
        "coverage": overall.coverage,
    }
    return {name: value for name, value in figures.items() if value is not None}
