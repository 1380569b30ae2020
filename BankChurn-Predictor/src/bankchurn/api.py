"""The HTTP interface: one customer, or a batch of them."""

import time
import uuid
from collections import Counter
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from fastapi import Body, Depends, FastAPI, Query
from modelwatch.log import LogSettings, ServiceLog
from pydantic import Field
from servicekit import (
    Batch,
    RuntimeDep,
    ServiceRouter,
    ServiceSettings,
    ServiceSpec,
    load_settings,
)
from servicekit import create_app as create_service

from bankchurn.gathering import Gatherer
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.prediction_log import SCHEMA, challenger
from bankchurn.responses import BatchPrediction, Prediction
from bankchurn.schema import Customer

DESCRIPTION = """\
Probability that a bank's customer leaves, with exact Shapley values of the model's log-odds on
request.
"""


class Settings(LogSettings, ServiceSettings):
    """The settings of every service and of its log, with this one's port and model folder."""

    port: int = Field(8001, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    model_dir: Path = Field(Path("models/bankchurn"), description="Folder of the sealed model.")


async def _get_predictor(runtime: RuntimeDep) -> ChurnPredictor:
    predictor = runtime.model.predictor
    if not isinstance(predictor, ChurnPredictor):
        raise TypeError(f"MODEL_DIR holds a model of another service: {type(predictor)}")
    return predictor


Predictor = Annotated[ChurnPredictor, Depends(_get_predictor)]


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
            name="bankchurn",
            title="BankChurn Predictor",
            version=version("bankchurn"),
            description=DESCRIPTION,
            router=_router(settings, log),
            lifespan=log.lifespan,
        ),
    )


def _router(settings: Settings, log: ServiceLog) -> ServiceRouter:
    router = ServiceRouter(tags=["churn"])
    gatherer = lru_cache(maxsize=1)(Gatherer)
    bounded = Body(embed=True, min_length=1, max_length=settings.max_batch_rows)

    @router.post("/predict")
    async def predict(
        customer: Customer,
        predictor: Predictor,
        runtime: RuntimeDep,
        explain: Annotated[
            bool, Query(description="Whether to explain what each feature contributes.")
        ] = False,
    ) -> Prediction:
        """Score one customer; with `explain=true`, explain the score."""
        model_version = runtime.model.manifest.version
        ids = log.new_ids(1)
        if explain:
            async with runtime.job("explain", 1) as job:
                [prediction] = await job.run(
                    predictor.answer,
                    [customer],
                    model_version=model_version,
                    explain=True,
                    prediction_ids=ids,
                )
        else:
            # Takes a fraction of a millisecond, less than handing it to a thread.
            intervals = predictor.intervals(customer)
            if intervals is None:
                [prediction] = predictor.answer(
                    [customer], model_version=model_version, prediction_ids=ids
                )
            else:
                probability = await gatherer(predictor).probability(intervals)
                prediction = predictor.prediction(
                    probability, model_version=model_version, prediction_id=ids[0]
                )
        log.record(runtime, ids, [vars(customer)], [prediction])
        runtime.count_prediction(prediction.risk_level)
        for warning in prediction.warnings:
            runtime.count_warning(warning.code)
        return prediction

    @router.post("/predict_batch")
    async def predict_batch(
        customers: Annotated[Batch[Customer], bounded], predictor: Predictor, runtime: RuntimeDep
    ) -> BatchPrediction:
        """Score many customers; predictions are in the order of the customers."""
        began = time.perf_counter()
        ids = log.new_ids(len(customers))
        async with runtime.job("predict_batch", len(customers)) as job:
            predictions = await job.run(
                predictor.answer,
                customers,
                model_version=runtime.model.manifest.version,
                prediction_ids=ids,
            )
        log.record(runtime, ids, list(map(vars, customers)), predictions)
        for level, count in Counter(answer.risk_level for answer in predictions).items():
            runtime.count_prediction(level, count)
        codes = Counter(warning.code for answer in predictions for warning in answer.warnings)
        for code, count in codes.items():
            runtime.count_warning(code, count)
        return BatchPrediction(
            predictions=predictions,
            batch_id=str(uuid.uuid4()),
            total_customers=len(predictions),
            processing_time_seconds=time.perf_counter() - began,
        )

    return router
