"""How good a model is on labelled texts: metrics, confusion, text length, calibration, leakage.

The classes here are the documented form of ``evaluation.json`` (format 1). Nothing is imported
that serving does not need.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from servicekit.training_rows import Overlap

from nlpinsight.backends.calibration import softmax
from nlpinsight.data.corpus import Corpus, LeftOut
from nlpinsight.data.leakage import THRESHOLD, nearest
from nlpinsight.evaluation.reliability import (
    Calibration,
    Reliability,
    VocabularyBand,
    by_vocabulary,
    calibration_of,
    log_loss,
    reliability,
)
from nlpinsight.model import Reading, SentimentModel, calibrated, warnings_of
from nlpinsight.schema import LABELS, Backend, Label
from nlpinsight.text.normalisation import normalise

__all__ = [
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
        reliability: The same in few figures, before and after calibration; null where the model
            was sealed without it.
        by_vocabulary: The same by the share of known words.
        truncated: How many texts the model did not read to their end.
        warnings: How many answers carry each warning.
        training_overlap: How many texts the model was trained on, by the digests that are sealed
            with it: ``rows``, of which ``compared``, of which ``seen``, and their ``share``. Null
            where it was sealed without.
        leakage: What nearly stands in the training data; null where that is not known.
    """

    metrics: Metrics
    by_length: list[LengthBand]
    calibration: Calibration
    reliability: Reliability | None = None
    by_vocabulary: list[VocabularyBand] | None = None
    truncated: int
    warnings: dict[str, int] = {}
    training_overlap: dict[str, JsonValue] | None = None
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
    training: Sequence[str] | None = None,
    overlap: Overlap | None = None,
    progress: Callable[[int], object] = lambda _texts: None,
) -> Evaluation:
    """Measure a model.

    Args:
        model: The model.
        corpus: Labelled texts that all have something to judge.
        training: The texts that it learned from, raw, to find what nearly stands in both.
        overlap: How many of the corpus's texts it was trained on, where that is known.
        progress: Told how many texts more were answered.
    """
    decisions = np.empty((len(corpus), len(LABELS)), dtype=np.float64)
    readings: list[Reading] = []
    for start in range(0, len(corpus), _CHUNK):
        chunk = corpus.texts[start : start + _CHUNK]
        decisions[start : start + len(chunk)], of_chunk = model.decide(chunk)
        readings += of_chunk
        progress(len(chunk))
    targets, raw = corpus.targets, softmax(decisions)
    scores = calibrated(decisions, readings, model.calibrator)
    known = [one.in_vocabulary for one in readings if one.in_vocabulary is not None]
    is_calibrated = model.calibrator is not None and len(known) == len(readings)
    return Evaluation(
        metrics=measure(targets, scores),
        by_length=_by_length(corpus, targets, scores),
        calibration=calibration_of(targets, scores),
        reliability=reliability(targets, scores, raw) if is_calibrated else None,
        by_vocabulary=by_vocabulary(targets, scores, raw, np.array(known))
        if is_calibrated
        else None,
        truncated=sum(reading.truncated for reading in readings),
        warnings=Counter(one.code for reading in readings for one in warnings_of(reading)),
        training_overlap=None if overlap is None else overlap.to_json(),
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
    return Metrics(
        texts=len(targets),
        accuracy=float((answers == targets).mean()),
        macro_f1=sum(f1) / len(f1),
        log_loss=log_loss(targets, scores),
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


def _leakage(corpus: Corpus, training: Sequence[str], targets: Targets, scores: Floats) -> Leakage:
    matches = nearest(corpus.texts, training)
    others = np.ones(len(corpus), dtype=np.bool_)
    others[[match.index for match in matches]] = False
    return Leakage(
        threshold=THRESHOLD,
        texts=len(matches),
        identical=sum(match.similarity == 1 for match in matches),
        without=measure(targets[others], scores[others]) if others.any() else None,
    )
