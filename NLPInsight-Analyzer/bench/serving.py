"""What `make bench-serving` sends to this service, and the other ways to answer it."""

import io
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnxruntime
from nlpinsight.backends.calibration import Calibrator
from nlpinsight.backends.tfidf import PIPELINE
from nlpinsight.model import SentimentModel, load, predict_sentiments
from nlpinsight.schema import LABELS, PredictionResponse, TextRequest
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.torch_environment import check_torch
from nlpinsight.training.weights import find_weights
from servicekit.files import DataError
from sklearn.pipeline import Pipeline
from tokenizers import Tokenizer
from workload import Workload

TEXT = {"text": "Kestrel Motors beats estimates and raises its outlook for the year"}
SCORES = "prediction.all_scores"
VERSION = "measured"

TRANSFORMER = "predict, transformer"

# As little training as golden texts with clear labels need. What a request takes depends on the
# form of the network, not on its weights.
TEXTS = 240
TRAINING = ("--folds", "2", "--epochs", "2", "--batch-size", "16", "--max-length", "64")


def prepare(work: Path) -> dict[str, str]:
    """Train a transformer, if torch and the base weights are installed."""
    try:
        check_torch()
        find_weights()
    except DataError as error:
        return {TRANSFORMER: f"{error}"}
    data = work / "transformer.csv"
    places = ("--out", work / "transformer", "--reports", work / "transformer-report")
    commands: list[tuple[str | Path, ...]] = [
        ("generate", data, "--texts", f"{TEXTS}"),
        ("train", "--backend", "transformer", "--data", data, *TRAINING, *places),
    ]
    for arguments in commands:
        subprocess.run([sys.executable, "-m", "nlpinsight", *arguments], check=True)  # noqa: S603
    return {}


def workloads(work: Path) -> list[Workload]:
    """One text's sentiment, by the linear model, and by a transformer that `prepare` trained."""
    found = [_linear(work / "model")]
    if (work / "transformer").is_dir():
        found.append(_transformer(work / "transformer"))
    return found


def _answers(model: Path) -> Callable[[Sequence[TextRequest]], Sequence[PredictionResponse]]:
    """The service's model code."""
    opened = load(_files(model))

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


def _expected(found: Mapping[str, float]) -> Mapping[str, Any]:
    return {
        "prediction.label": max(found, key=found.__getitem__),
        **{f"{SCORES}.{name}": score for name, score in found.items()},
    }


@cache
def _files(model: Path) -> Mapping[str, bytes]:
    return {file.name: file.read_bytes() for file in model.iterdir()}


def _transformer(model: Path) -> Workload:
    def expected() -> Mapping[str, Any]:
        [scores] = load(_files(model)).scores([TEXT["text"]]).tolist()
        return _expected(dict(zip(LABELS, scores, strict=True)))

    def session() -> Callable[[TextRequest], object]:
        """The tokenizer and the network, on one thread, and nothing else."""
        tokenizer = Tokenizer.from_buffer(_files(model)["tokenizer.json"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        network = onnxruntime.InferenceSession(
            _files(model)["model.onnx"], options, providers=["CPUExecutionProvider"]
        )

        def run(request: TextRequest) -> object:
            encoding = tokenizer.encode(request.text)
            feed = {
                "input_ids": np.array([encoding.ids], dtype=np.int64),
                "attention_mask": np.array([encoding.attention_mask], dtype=np.int64),
            }
            return network.run(["logits"], feed)[0]

        return run

    return Workload(
        name=TRANSFORMER,
        method="POST",
        path="/predict",
        body=TEXT,
        request=TextRequest,
        response=PredictionResponse,
        expected=expected,
        model_code=lambda: _answers(model),
        session=session,
        model=model,
        connections=(1, 10, 50),
        tolerance=1e-9,
    )


def _linear(model: Path) -> Workload:
    def files() -> Mapping[str, bytes]:
        return _files(model)

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
        return _expected(scores(load(files()), TEXT["text"]))

    def ancestor() -> Callable[[TextRequest], Mapping[str, Any]]:
        pipeline()
        opened = load(files())

        def answer(request: TextRequest) -> Mapping[str, Any]:
            found = scores(opened, request.text)
            label = max(found, key=found.__getitem__)
            return {"prediction": {"label": label, "all_scores": found}}

        return answer

    return Workload(
        name="predict",
        method="POST",
        path="/predict",
        body=TEXT,
        request=TextRequest,
        response=PredictionResponse,
        expected=expected,
        model_code=lambda: _answers(model),
        ancestor=ancestor,
        tolerance=1e-9,
    )
