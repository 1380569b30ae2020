"""What `make bench-serving` sends to this service, and the other ways to answer it."""

import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from nlpinsight.backends.calibration import Calibrator
from nlpinsight.backends.tfidf import PIPELINE
from nlpinsight.model import SentimentModel, load, predict_sentiments
from nlpinsight.schema import LABELS, PredictionResponse, TextRequest
from nlpinsight.text.normalisation import normalise_all
from sklearn.pipeline import Pipeline
from workload import Workload

TEXT = {"text": "Kestrel Motors beats estimates and raises its outlook for the year"}
SCORES = "prediction.all_scores"
VERSION = "measured"


def workloads(work: Path) -> list[Workload]:
    """One text's sentiment, by the linear model."""
    model = work / "model"

    @cache
    def files() -> Mapping[str, bytes]:
        return {file.name: file.read_bytes() for file in model.iterdir()}

    @cache
    def pipeline() -> Pipeline:
        return joblib.load(io.BytesIO(files()[PIPELINE]))

    def scores(opened: SentimentModel, text: str) -> dict[str, float]:
        """The pipeline's scores, calibrated as the sealed model calibrates its own."""
        features = pipeline().named_steps["features"].transform(normalise_all([text]))
        decisions = pipeline().named_steps["classifier"].decision_function(features)
        calibrator = Calibrator.read_from(files())
        if calibrator is None:
            raise ValueError(f"the model in {model} is not calibrated")
        [reading] = opened.read([text])[1]
        known = np.array([reading.in_vocabulary], dtype=np.float64)
        [row] = calibrator.scores(decisions, known).tolist()
        return dict(zip(LABELS, row, strict=True))

    def expected() -> Mapping[str, Any]:
        found = scores(load(files()), TEXT["text"])
        label = max(found, key=found.__getitem__)
        return {
            "prediction.label": label,
            **{f"{SCORES}.{name}": score for name, score in found.items()},
        }

    def answers() -> Callable[[Sequence[TextRequest]], Sequence[PredictionResponse]]:
        opened = load(files())

        def answer(requests: Sequence[TextRequest]) -> Sequence[PredictionResponse]:
            found = predict_sentiments(opened, [request.text for request in requests])
            return [
                PredictionResponse(
                    prediction=prediction,
                    model=opened.backend,
                    model_version=VERSION,
                    inference_time_ms=0.0,
                )
                for prediction in found
            ]

        return answer

    def ancestor() -> Callable[[TextRequest], Mapping[str, Any]]:
        pipeline()
        opened = load(files())

        def answer(request: TextRequest) -> Mapping[str, Any]:
            found = scores(opened, request.text)
            label = max(found, key=found.__getitem__)
            return {"prediction": {"label": label, "all_scores": found}}

        return answer

    return [
        Workload(
            name="predict",
            method="POST",
            path="/predict",
            body=TEXT,
            request=TextRequest,
            response=PredictionResponse,
            expected=expected,
            model_code=answers,
            ancestor=ancestor,
            tolerance=1e-9,
        )
    ]
