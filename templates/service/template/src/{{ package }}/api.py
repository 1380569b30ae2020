"""The HTTP interface: one record, or a batch of them."""

import time
import uuid
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from fastapi import Body, Depends, FastAPI
from modelwatch.log import LogSettings, ServiceLog
from pydantic import Field
from servicekit import (
    Batch,
    Runtime,
    RuntimeDep,
    ServiceRouter,
    ServiceSettings,
    ServiceSpec,
    load_settings,
)
from servicekit import create_app as create_service

from {{ package }}.model import Predictor
from {{ package }}.prediction_log import SCHEMA, challenger
from {{ package }}.responses import BatchPrediction, Prediction
from {{ package }}.schema import Record


class Settings(LogSettings, ServiceSettings):
    """The settings of every service and of its log, with this one's port and model folder."""

    port: int = Field({{ port }}, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    model_dir: Path = Field(Path("models/{{ package }}"), description="Folder of the sealed model.")


async def _get_predictor(runtime: RuntimeDep) -> Predictor:
    predictor = runtime.model.predictor
    if not isinstance(predictor, Predictor):
        raise TypeError(f"MODEL_DIR holds a model of another service: {type(predictor)}")
    return predictor


PredictorDep = Annotated[Predictor, Depends(_get_predictor)]


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service.

    Args:
        settings: Settings of the service; read from the environment by default.
    """
    settings = settings if settings is not None else load_settings(Settings)
    log = ServiceLog(settings, SCHEMA, challenger)
    return create_service(
        settings,
        ServiceSpec(
            name="{{ package }}",
            title="{{ title }}",
            version=version("{{ package }}"),
            description="Probability that a transaction is disputed.",
            router=_router(settings, log),
            lifespan=log.lifespan,
        ),
    )


def _router(settings: Settings, log: ServiceLog) -> ServiceRouter:
    router = ServiceRouter(tags=["predictions"])
    bounded = Body(embed=True, min_length=1, max_length=settings.max_batch_rows)

    @router.post("/predict")
    async def predict(record: Record, predictor: PredictorDep, runtime: RuntimeDep) -> Prediction:
        """Score one transaction."""
        ids = log.new_ids(1)
        # Takes a fraction of a millisecond, less than handing it to a thread.
        [prediction] = predictor.answer(
            [record], model_version=runtime.model.manifest.version, prediction_ids=ids
        )
        log.record(runtime, ids, [vars(record)], [prediction])
        _count(runtime, [prediction])
        return prediction

    @router.post("/predict_batch")
    async def predict_batch(
        records: Annotated[Batch[Record], bounded], predictor: PredictorDep, runtime: RuntimeDep
    ) -> BatchPrediction:
        """Score many transactions; predictions are in their order."""
        began = time.perf_counter()
        ids = log.new_ids(len(records))
        async with runtime.job("predict_batch", len(records)) as job:
            predictions = await job.run(
                predictor.answer,
                records,
                model_version=runtime.model.manifest.version,
                prediction_ids=ids,
            )
        log.record(runtime, ids, list(map(vars, records)), predictions)
        _count(runtime, predictions)
        return BatchPrediction(
            predictions=predictions,
            batch_id=str(uuid.uuid4()),
            total_records=len(predictions),
            processing_time_seconds=time.perf_counter() - began,
        )

    return router


def _count(runtime: Runtime, predictions: list[Prediction]) -> None:
    for prediction, count in Counter(answer.prediction for answer in predictions).items():
        runtime.count_prediction(str(prediction), count)
    codes = Counter(warning.code for answer in predictions for warning in answer.warnings)
    for code, count in codes.items():
        runtime.count_warning(code, count)
