"""From a history and a sealed model to the batch of predictions that is served."""

from pathlib import Path

from modelseal import OpenedModel
from servicekit.files import NewFile

from chicagotaxi.engines import Engine
from chicagotaxi.new_batch import write_batch
from chicagotaxi.origins import forecast_origins
from chicagotaxi.panel import Panel
from chicagotaxi.predictions import BatchInfo, ModelIdentity
from chicagotaxi.schema import PREDICTIONS, STATUS, PipelineStatus, prediction_schema, read_status
from chicagotaxi.sealed_forecast import SealedForecast
from chicagotaxi.sufficiency import check_to_forecast
from chicagotaxi.swap import settled

__all__ = ["identity", "predict"]


def predict(engine: Engine, sealed: SealedForecast, panel: Panel, out: Path) -> BatchInfo:
    """Forecast the week after a history, write the batch, point to it, and say so in the status.

    Args:
        engine: What does the work.
        sealed: The sealed model.
        panel: The history.
        out: The pipeline's output folder.

    Raises:
        SealedModelError: The model is refused, here or by a worker.
        DataError: The history says too little, the batch cannot be written, or a run of the
            pipeline is at work.
    """
    check_to_forecast(panel)
    opened = sealed.opened()
    # Between reading the status and writing it, no run may write another.
    with settled(out):
        status = read_status(out)
        info = write_batch(
            out / PREDICTIONS,
            lambda folder: forecast_origins(
                engine, sealed, panel, [len(panel.trips)], folder, named=False
            ),
            schema=prediction_schema(),
            model=identity(opened),
            interval=sealed.model().intervals.coverage,
        )
        if status is not None:
            _note(out, status, info)
    return info


def identity(opened: OpenedModel) -> ModelIdentity:
    """Which sealed model this is."""
    return ModelIdentity(
        name=opened.manifest.name, version=opened.manifest.version, sha256=opened.sha256
    )


def _note(out: Path, status: PipelineStatus, info: BatchInfo) -> None:
    """Say in the pipeline's status what was predicted."""
    hours = int((info.last_hour - info.first_hour).total_seconds()) // 3600 + 1
    noted = status.model_copy(
        update={
            "forecast_version": info.model.version,
            "forecast_sha256": info.model.sha256,
            "predictions": info.batch,
            "horizon_hours": hours,
        }
    )
    with NewFile(out / STATUS) as file:
        file.write((noted.model_dump_json(indent=2) + "\n").encode())
