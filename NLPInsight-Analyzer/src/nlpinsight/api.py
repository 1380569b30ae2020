"""The HTTP interface: one text, or a batch of them."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

from fastapi import Body, Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError
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

from nlpinsight.explain import explain as explain_text
from nlpinsight.model import SentimentModel, predict_sentiments
from nlpinsight.prediction_log import SCHEMA, challenger, features
from nlpinsight.schema import (
    LABELS,
    MAX_BATCH_TEXTS,
    MAX_TEXT_CHARACTERS,
    SUBJECT,
    Backend,
    BatchResponse,
    PredictionResponse,
    Sentiment,
    TextRequest,
)
from nlpinsight.text.normalisation import EmptyTextError, grows, is_longer

DESCRIPTION = f"""\
{SUBJECT}: {", ".join(LABELS[:-1])} or {LABELS[-1]}, with the probability of each.
"""

# Maximum characters of a text that is answered without a thread: such texts take less than about a
# millisecond, less than handing them over.
_INLINE: Final[dict[Backend, int]] = {"tfidf": 500, "transformer": 0}

# Texts of a batch after which another request may use the thread.
_STEP: Final = 32


class Settings(LogSettings, ServiceSettings):
    """The settings of every service and of its log, with this one's port, model and batch."""

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
        settings: Settings of the service; read from the environment by default.
    """
    settings = settings if settings is not None else load_settings(Settings)
    log = ServiceLog(settings, SCHEMA, challenger, features=features)
    return create_service(
        settings,
        ServiceSpec(
            name="nlpinsight",
            title="NLPInsight Analyzer",
            version=version("nlpinsight"),
            description=DESCRIPTION,
            router=_router(settings, log),
            lifespan=log.lifespan,
        ),
    )


def _router(settings: Settings, log: ServiceLog) -> ServiceRouter:
    router = ServiceRouter(tags=["sentiment"])
    # The length of the list is validated before its texts, so that a long list costs nothing.
    bounded = Body(embed=True, min_length=1, max_length=settings.max_batch_rows)

    @router.post("/predict")
    async def predict(
        request: TextRequest,
        model: Model,
        runtime: RuntimeDep,
        explain: Annotated[
            bool, Query(description="Whether to explain what each word contributes.")
        ] = False,
    ) -> PredictionResponse:
        """Predict the sentiment of one text; with `explain=true`, explain the prediction."""
        text = request.text
        explanation = None
        ids = log.new_ids(1)
        if not explain and len(text) <= _INLINE[model.backend] and not grows(text):
            answer = _timed(model, [text], ids)
        else:
            async with runtime.job("explain" if explain else "predict", len(text)) as job:
                answer = await job.run(_timed, model, [text], ids)
                if explain and not isinstance(answer, _InvalidTexts):
                    explanation = await job.run(explain_text, model, text)
        if isinstance(answer, _InvalidTexts):
            raise answer.refusal([("text",)])
        [prediction], seconds = answer
        log.record(runtime, ids, [text], [prediction])
        runtime.count_prediction(prediction.label)
        for warning in prediction.warnings:
            runtime.count_warning(warning.code)
        return PredictionResponse(
            prediction=prediction,
            model=model.backend,
            model_version=runtime.model.manifest.version,
            inference_time_ms=seconds * 1e3,
            explanation=explanation,
        )

    @router.post("/predict_batch")
    async def predict_batch(
        texts: Annotated[Batch[TextRequest], bounded], model: Model, runtime: RuntimeDep
    ) -> BatchResponse:
        """Predict the sentiment of many texts; predictions are in the order of the texts."""
        predictions: list[Sentiment] = []
        seconds = 0.0
        raw = [request.text for request in texts]
        ids = log.new_ids(len(raw))
        async with runtime.job("predict_batch", sum(map(len, raw))) as job:
            for first in range(0, len(raw), _STEP):
                step = slice(first, first + _STEP)
                answer = await job.run(_timed, model, raw[step], ids[step])
                if isinstance(answer, _InvalidTexts):
                    places = (first + place for place in answer.places)
                    raise answer.refusal(("texts", place, "text") for place in places)
                predictions += answer[0]
                seconds += answer[1]
        log.record(runtime, ids, raw, predictions)
        for label, count in Counter(answer.label for answer in predictions).items():
            runtime.count_prediction(label, count)
        codes = Counter(warning.code for answer in predictions for warning in answer.warnings)
        for code, count in codes.items():
            runtime.count_warning(code, count)
        return BatchResponse(
            predictions=predictions,
            count=len(predictions),
            model=model.backend,
            model_version=runtime.model.manifest.version,
            inference_time_ms=seconds * 1e3,
        )

    return router


@dataclass(frozen=True)
class _InvalidTexts:
    """Texts that are invalid once normalised: their indices, the error code and its message."""

    places: Sequence[int]
    code: str
    message: str

    def refusal(self, fields: Iterable[tuple[str | int, ...]]) -> RequestValidationError:
        """The error of a request, given the locations of the texts in it."""
        return RequestValidationError(
            [{"loc": ("body", *field), "type": self.code, "msg": self.message} for field in fields]
        )


def _timed(
    model: SentimentModel, texts: Sequence[str], prediction_ids: Sequence[str | None]
) -> tuple[list[Sentiment], float] | _InvalidTexts:
    long = [place for place, text in enumerate(texts) if is_longer(text, MAX_TEXT_CHARACTERS)]
    if long:
        message = f"Text should have at most {MAX_TEXT_CHARACTERS:,} characters once normalised"
        return _InvalidTexts(long, "too_long_normalised", message)
    began = time.perf_counter()
    try:
        answers = predict_sentiments(model, texts, prediction_ids)
    except EmptyTextError as error:
        message = "Text should not be only white space, invisible characters or URLs"
        return _InvalidTexts(error.places, "nothing_to_judge", message)
    return answers, time.perf_counter() - began
