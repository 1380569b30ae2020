"""How good a model is on labelled texts: metrics, confusion, text length, calibration, leakage.

The classes here are the documented form of ``evaluation.json`` (format 1). Nothing is imported
that serving does not need.
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from nlpinsight.data import Corpus, LeftOut
from nlpinsight.leakage import THRESHOLD, nearest
from nlpinsight.model import SentimentModel
from nlpinsight.schema import LABELS, Backend, Label
from nlpinsight.text import normalise

__all__ = [
    "Calibration",
    "Evaluation",
    "LabelMetrics",
    "Leakage",
    "LengthBand",
    "Metrics",
    "Report",
    "evaluate",
    "measure",
]

Floats = npt.NDArray[np.float64]
Targets = npt.NDArray[np.int64]

# Right ends of the bands of text length, in words; the last has none.
BANDS: Final = (5, 10, 15, 20, 30)
CALIBRATION_BINS: Final = 10
_CHUNK: Final = 64

Rate = Annotated[float, Field(ge=0, le=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class LabelMetrics(_Record):
    """One label against the others. A rate with nothing to count is null.

    Attributes:
        texts: How many texts have it.
        precision: The share of the texts that got it that have it.
        recall: The share of the texts that have it that got it.
        f1: Harmonic mean of the two.
    """

    texts: int
    precision: Rate | None
    recall: Rate | None
    f1: Rate | None


class Metrics(_Record):
    """Figures of one set of texts.

    Attributes:
        texts: How many there are.
        accuracy: The share that got its label.
        macro_f1: The mean F1 of the labels that occur, in truth or in answers.
        log_loss: Mean negative log-likelihood, in nats.
        majority: The share of the most frequent label: the accuracy of always saying it.
        labels: Each label against the others.
        confusion: Texts by true label (rows) and answered label (columns), in the order of labels.
    """

    texts: int
    accuracy: Rate
    macro_f1: Rate
    log_loss: float
    majority: Rate
    labels: dict[Label, LabelMetrics]
    confusion: list[list[int]]


class LengthBand(_Record):
    """Texts of so many words, URLs not counted. ``most`` is null for the longest."""

    least: int
    most: int | None
    texts: int
    accuracy: Rate
    macro_f1: Rate


class Calibration(_Record):
    """Tenths of the texts by confidence: mean confidence, accuracy, count.

    Attributes:
        confidence: The mean of each tenth.
        accuracy: The share of it that got its label.
        texts: How many it holds.
        error: Expected calibration error: the mean gap between the two, by texts.
    """

    confidence: list[float]
    accuracy: list[float]
    texts: list[int]
    error: float


class Leakage(_Record):
    """Texts that nearly stand in the training data, and the figures without them.

    Attributes:
        threshold: From which similarity (Jaccard of the words) a text counts.
        texts: How many there are.
        identical: How many of them use exactly the same words.
        without: The metrics of the others; null if there are none.
    """

    threshold: Rate
    texts: int
    identical: int
    without: Metrics | None


class Evaluation(_Record):
    """Everything measured on one set of texts.

    Attributes:
        metrics: The figures.
        by_length: The figures by text length.
        calibration: Whether confidence means what it says.
        truncated: How many texts the model did not read to their end.
        leakage: What nearly stands in the training data; null where that is not known.
    """

    metrics: Metrics
    by_length: list[LengthBand]
    calibration: Calibration
    truncated: int
    leakage: Leakage | None


class Report(_Record):
    """``evaluation.json``: what `train` or `evaluate` found.

    Attributes:
        format: The version of this form.
        model: The back end.
        model_version: The model that was evaluated.
        data: The texts that it was evaluated on, with a fingerprint.
        training: The texts that it learned from; null where a finished model was only evaluated.
        left_out: What was left out of them; null in the same case.
        training_seconds: How long the training took; null in the same case.
        details: What only this back end has to tell.
        evaluation: The figures.
    """

    format: Literal[1] = 1
    model: Backend
    model_version: str
    data: dict[str, JsonValue]
    training: dict[str, JsonValue] | None = None
    left_out: LeftOut | None = None
    training_seconds: float | None = None
    details: dict[str, JsonValue] = {}
    evaluation: Evaluation


def evaluate(
    model: SentimentModel,
    corpus: Corpus,
    *,
    training: Corpus | None = None,
    progress: Callable[[int], object] = lambda _texts: None,
) -> Evaluation:
    """Measure a model.

    Args:
        model: The model.
        corpus: Labelled texts that all have something to judge.
        training: What it learned from, to find what nearly stands in both.
        progress: Told how many texts more were answered.
    """
    scores = np.empty((len(corpus), len(LABELS)), dtype=np.float64)
    truncated = 0
    for start in range(0, len(corpus), _CHUNK):
        chunk = corpus.texts[start : start + _CHUNK]
        scores[start : start + len(chunk)], readings = model.answer(chunk)
        truncated += sum(reading.truncated for reading in readings)
        progress(len(chunk))
    targets = corpus.targets
    return Evaluation(
        metrics=measure(targets, scores),
        by_length=_by_length(corpus, targets, scores),
        calibration=_calibration(targets, scores),
        truncated=truncated,
        leakage=None if training is None else _leakage(corpus, training, targets, scores),
    )


def measure(targets: Targets, scores: Floats) -> Metrics:
    """The metrics of answers.

    Args:
        targets: The place of each text's label in `LABELS`; at least one.
        scores: The probabilities of each text.
    """
    answers = scores.argmax(axis=1)
    confusion = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    np.add.at(confusion, (targets, answers), 1)
    labels = {label: _label(confusion, place) for place, label in enumerate(LABELS)}
    f1 = [one.f1 for one in labels.values() if one.f1 is not None]
    likelihood = scores[np.arange(len(targets)), targets]
    return Metrics(
        texts=len(targets),
        accuracy=float((answers == targets).mean()),
        macro_f1=sum(f1) / len(f1),
        log_loss=float(-np.log(np.maximum(likelihood, np.finfo(np.float64).tiny)).mean()),
        majority=float(np.bincount(targets).max() / len(targets)),
        labels=labels,
        confusion=confusion.tolist(),
    )


def _label(confusion: Targets, place: int) -> LabelMetrics:
    hits = int(confusion[place, place])
    have, got = int(confusion[place].sum()), int(confusion[:, place].sum())
    return LabelMetrics(
        texts=have,
        precision=hits / got if got else None,
        recall=hits / have if have else None,
        f1=2 * hits / (have + got) if have + got else None,
    )


def _by_length(corpus: Corpus, targets: Targets, scores: Floats) -> list[LengthBand]:
    words = np.array([len(normalise(text).split()) for text in corpus.texts], dtype=np.int64)
    bands = []
    for least, most in zip((1, *(end + 1 for end in BANDS)), (*BANDS, None), strict=True):
        members = (words >= least) & (words <= (most or np.iinfo(np.int64).max))
        if members.any():
            metrics = measure(targets[members], scores[members])
            bands.append(
                LengthBand(
                    least=least,
                    most=most,
                    texts=metrics.texts,
                    accuracy=metrics.accuracy,
                    macro_f1=metrics.macro_f1,
                )
            )
    return bands


def _calibration(targets: Targets, scores: Floats) -> Calibration:
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == targets
    bins = [
        part
        for part in np.array_split(np.argsort(confidence, kind="stable"), CALIBRATION_BINS)
        if len(part)
    ]
    means = [float(confidence[part].mean()) for part in bins]
    shares = [float(right[part].mean()) for part in bins]
    sizes = [len(part) for part in bins]
    gaps = [abs(mean - share) for mean, share in zip(means, shares, strict=True)]
    return Calibration(
        confidence=means,
        accuracy=shares,
        texts=sizes,
        error=float(np.average(gaps, weights=sizes)),
    )


def _leakage(corpus: Corpus, training: Corpus, targets: Targets, scores: Floats) -> Leakage:
    matches = nearest(corpus.texts, training.texts)
    others = np.ones(len(corpus), dtype=np.bool_)
    others[[match.index for match in matches]] = False
    return Leakage(
        threshold=THRESHOLD,
        texts=len(matches),
        identical=sum(match.similarity == 1 for match in matches),
        without=measure(targets[others], scores[others]) if others.any() else None,
    )
