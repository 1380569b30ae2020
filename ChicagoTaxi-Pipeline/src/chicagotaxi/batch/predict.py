"""Predicts the week after a history, as the batch that is served."""

from pathlib import Path

from modelseal import OpenedModel
from servicekit.files import write_file

from chicagotaxi.arrow_schemas import prediction_schema
from chicagotaxi.batch.reader import BatchInfo, ModelIdentity
from chicagotaxi.batch.workers import forecast_origins
from chicagotaxi.batch.writer import write_batch
from chicagotaxi.etl.engines import Engine
from chicagotaxi.etl.publish import settled
from chicagotaxi.forecast.sealed_model import SealedForecast
from chicagotaxi.forecast.sufficiency import check_to_forecast
from chicagotaxi.history.panel import Panel
from chicagotaxi.schema import PREDICTIONS, STATUS, PipelineStatus, read_status


def predict(engine: Engine, sealed: SealedForecast, panel: Panel, out: Path) -> BatchInfo:
    """Forecast the week after a history, write the batch, point to it, and update the status.

    Raises:
        SealedModelError: The model is refused, here or by a worker.
        DataError: The history has too few known hours, the batch cannot be written, or another run
            holds the folder's lock.
    """
    check_to_forecast(panel)
    opened = sealed.opened()
    # No run may write a status between the read and the write below.
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
    """The identity of a sealed model."""
    return ModelIdentity(
        name=opened.manifest.name, version=opened.manifest.version, sha256=opened.sha256
    )


def _note(out: Path, status: PipelineStatus, info: BatchInfo) -> None:
    """Record the predictions in the pipeline's status."""
    hours = int((info.last_hour - info.first_hour).total_seconds()) // 3600 + 1
    noted = status.model_copy(
        update={
            "forecast_version": info.model.version,
            "forecast_sha256": info.model.sha256,
            "predictions": info.batch,
            "horizon_hours": hours,
        }
    )
    write_file(out / STATUS, (noted.model_dump_json(indent=2) + "\n").encode())
