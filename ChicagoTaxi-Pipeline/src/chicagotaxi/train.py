"""Train a model: back-test, fit on everything, seal."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import lightgbm
import modelseal
import numpy as np
from modelseal import Manifest
from servicekit.training_rows import ROW_SKETCH, RowSketch, digest_rows

from chicagotaxi.backtest import BacktestOptions, backtest, backtest_steps, describe
from chicagotaxi.baselines import FOUR_WEEKS, SEASONAL_NAIVE
from chicagotaxi.forecast import ForecastOptions, Progress, fit, fit_steps
from chicagotaxi.golden import make_golden_set
from chicagotaxi.metrics import FORECAST, BacktestReport, Comparison
from chicagotaxi.model import MODEL_NAME, DemandForecaster, load, pack
from chicagotaxi.panel import Panel
from chicagotaxi.sufficiency import check_to_train
from chicagotaxi.trained_on import TrainedOn, trained_rows
from chicagotaxi.trees import PARAMETERS

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["Training", "model_version", "seal", "train", "train_steps"]


@dataclass(frozen=True)
class Training:
    """What a training made: the forecaster in memory, its files, its back-test, and its rows."""

    forecaster: DemandForecaster
    files: dict[str, bytes]
    version: str
    report: BacktestReport
    options: ForecastOptions
    sketch: RowSketch


def train_steps(folds: BacktestOptions) -> int:
    """How often `train` and `seal` together report progress."""
    return backtest_steps(folds) + fit_steps() + 1


def train(
    panel: Panel,
    *,
    about: "Mapping[str, JsonValue]",
    options: ForecastOptions,
    folds: BacktestOptions,
    progress: Progress,
    version_override: str | None = None,
) -> Training:
    """Back-test and train in memory. The same history and options give the same model.

    Args:
        panel: The history.
        about: Where it came from, for the record.
        options: How to train.
        folds: How to back-test.
        progress: Told what begins.
        version_override: The model's version, where it is not to be derived from its making.

    Raises:
        DataError: The history is too short, or too little of it is known.
    """
    check_to_train(panel)
    data = describe(panel, {**about, "sha256": fingerprint(panel)})
    report = backtest(panel, folds, options, data=data, progress=progress)
    model = fit(panel, options, progress=progress)
    files = pack(DemandForecaster(model, TrainedOn.of(panel)))
    # From the packed bytes, so that what answers here is what will be sealed.
    forecaster = load(files)
    return Training(
        forecaster,
        files,
        version_override or model_version(panel, options),
        report,
        options,
        RowSketch.of(digest_rows(trained_rows(panel))),
    )


def seal(training: Training, destination: Path, *, progress: Progress) -> Manifest:
    """Seal a trained model into a folder.

    Raises:
        modelseal.SealError: It cannot be sealed; the destination is as it was before.
    """
    progress("seal the model, proving it in a fresh process")
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
    """SHA-256 of what a model learns from: hours, areas and trips."""
    digest = hashlib.sha256(f"{panel.start} {panel.areas}".encode())
    digest.update(np.ascontiguousarray(panel.trips).tobytes())
    return digest.hexdigest()


def model_version(panel: Panel, options: ForecastOptions) -> str:
    """The package's version, and a digest of the data, the choices and the libraries."""
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
