"""The HTTP interface: one text, or a batch of them."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, FastAPI
from pydantic import Field
from servicekit import RuntimeDep, ServiceSettings, ServiceSpec, load_settings
from servicekit import create_app as create_service

from nlpinsight.model import SentimentModel, judge
from nlpinsight.schema import (
    MAX_BATCH_TEXTS,
    Backend,
    BatchResponse,
    PredictionResponse,
    Sentiment,
    TextRequest,
)

__all__ = ["Settings", "create_app"]

DESCRIPTION = """\
The sentiment of financial text: negative, neutral or positive, with the probability of each.
"""

# How many characters take less than about a millisecond: handing them to a thread would cost more
# than reading them.
_AT_ONCE: Final[dict[Backend, int]] = {"tfidf": 500, "transformer": 0}

# A batch lets others have the thread after so many texts.
_TURN: Final = 32


class Settings(ServiceSettings):
    """The settings of every service, with this one's port, model folder and batch."""

    port: int = Field(8002, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    model_dir: Path = Field(Path("models/nlpinsight"), description="Folder of the sealed model.")
    max_batch_rows: int = Field(
        MAX_BATCH_TEXTS, ge=1, description="Most texts in a batch; more is 422."
    )


async def _get_model(runtime: RuntimeDep) -> SentimentModel:
    predictor = runtime.model.predictor
    if not isinstance(predictor, SentimentModel):
        raise TypeError(f"MODEL_DIR holds a model of another service: {type(predictor)}")
    return predictor


Model = Annotated[SentimentModel, Depends(_get_model)]


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service.

    Args:
        settings: Its settings; read from the environment where none are given.
    """
    settings = settings if settings is not None else load_settings(Settings)
    return create_service(
        settings,
        ServiceSpec(
            name="nlpinsight",
            title="NLPInsight Analyzer",
            version=version("nlpinsight"),
            description=DESCRIPTION,
            router=_router(settings),
        ),
    )


def _router(settings: Settings) -> APIRouter:
    router = APIRouter(tags=["sentiment"])
    # The length of a list is looked at before its texts are: a long one costs nothing.
    bounded = Body(embed=True, min_length=1, max_length=settings.max_batch_rows)

    @router.post("/predict")
    async def predict(
        request: TextRequest, model: Model, runtime: RuntimeDep
    ) -> PredictionResponse:
        """Judge one text."""
        if len(request.text) <= _AT_ONCE[model.backend]:
            predictions, seconds = _timed(model, [request.text])
        else:
            predictions, seconds = await runtime.run_in_worker(_timed, model, [request.text])
        [prediction] = predictions
        runtime.count_prediction(prediction.label)
        return PredictionResponse(
            prediction=prediction,
            model=model.backend,
            model_version=runtime.model.manifest.version,
            inference_time_ms=seconds * 1e3,
        )

    @router.post("/predict_batch")
    async def predict_batch(
        texts: Annotated[list[TextRequest], bounded], model: Model, runtime: RuntimeDep
    ) -> BatchResponse:
        """Judge many texts; the answers are in the order of the texts."""
        predictions: list[Sentiment] = []
        seconds = 0.0
        for turn in _turns([request.text for request in texts]):
            judged, took = await runtime.run_in_worker(_timed, model, turn)
            predictions += judged
            seconds += took
        for label, count in Counter(answer.label for answer in predictions).items():
            runtime.count_prediction(label, count)
        return BatchResponse(
            predictions=predictions,
            count=len(predictions),
            model=model.backend,
            model_version=runtime.model.manifest.version,
            inference_time_ms=seconds * 1e3,
        )

    return router


def _turns(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _TURN):
        yield texts[start : start + _TURN]


def _timed(model: SentimentModel, texts: Sequence[str]) -> tuple[list[Sentiment], float]:
    began = time.perf_counter()
    answers = judge(model, texts)
    return answers, time.perf_counter() - began
