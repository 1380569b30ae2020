"""Evaluates a model on labelled texts: metrics, confusion, text length, calibration, leakage.

The classes here document ``evaluation.json`` (format 1). Nothing is imported that serving does not
need.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import numpy as np
from pydantic import Field, JsonValue
from servicekit.progress import Advance, silent
from servicekit.training_rows import Overlap

from nlpinsight.arrays import Float64Array, Int64Array
from nlpinsight.backends.calibration import softmax
from nlpinsight.data.corpus import Corpus
from nlpinsight.data.leakage import THRESHOLD, nearest
from nlpinsight.data.split import LeftOut
from nlpinsight.evaluation.metrics import Metrics, measure
from nlpinsight.evaluation.reliability import (
    Calibration,
    Rate,
    Record,
    Reliability,
    VocabularyBand,
    by_vocabulary,
    calibration_of,
    reliability,
)
from nlpinsight.model import Reading, SentimentModel, calibrated, warnings_of
from nlpinsight.schema import LABELS, Backend
from nlpinsight.text.normalisation import normalise

# Upper ends of the bands of text length, in words; the last band has none.
BANDS: Final = (5, 10, 15, 20, 30)
_CHUNK: Final = 64


class LengthBand(Record):
    """Metrics of texts by number of words, without URLs. ``most`` is null for the longest."""

    least: int
    most: int | None
    texts: int
    accuracy: Rate
    macro_f1: Rate


class Leakage(Record):
    """Near-duplicates of training texts, and the metrics without them.

    Attributes:
        threshold: Minimum Jaccard similarity of the words.
        texts: Number of near-duplicates.
        identical: Number of them with exactly the same words.
        without: Metrics of the other texts; null if there are none.
    """

    threshold: Rate
    texts: int
    identical: int
    without: Metrics | None


class Evaluation(Record):
    """All metrics of a set of texts.

    Attributes:
        metrics: The main metrics.
        by_length: Metrics by text length.
        calibration: Accuracy by confidence.
        reliability: Summary before and after calibration; null for uncalibrated models.
        by_vocabulary: The same by the share of known words.
        truncated: Number of texts that the model did not read to the end.
        warnings: Number of answers with each warning.
        training_overlap: How many texts are training texts, by the digests sealed with the model:
            ``rows``, of which ``compared``, of which ``seen``, and their ``share``. Null for
            models without digests.
        leakage: Near-duplicates of training texts; null if those are unknown.
    """

    metrics: Metrics
    by_length: list[LengthBand]
    calibration: Calibration
    reliability: Reliability | None = None
    by_vocabulary: list[VocabularyBand] | None = None
    truncated: int
    warnings: dict[str, int] = Field(default_factory=dict)
    training_overlap: dict[str, JsonValue] | None = None
    leakage: Leakage | None


class Report(Record):
    """``evaluation.json``, written by `train`, `export` and `evaluate`.

    Attributes:
        format: Version of this format.
        model: The back end.
        model_version: Version of the evaluated model.
        data: The evaluated texts, with a fingerprint.
        training: The training texts; null if a sealed model was evaluated.
        left_out: Numbers of texts left out of the training; null in the same case.
        training_seconds: Duration of the training; null in the same case.
        details: Further results, specific to the back end.
        evaluation: The metrics.
    """

    format: Literal[1] = 1
    model: Backend
    model_version: str
    data: dict[str, JsonValue]
    training: dict[str, JsonValue] | None = None
    left_out: LeftOut | None = None
    training_seconds: float | None = None
    details: dict[str, JsonValue] = Field(default_factory=dict)
    evaluation: Evaluation


def evaluate(
    model: SentimentModel,
    corpus: Corpus,
    *,
    training: Sequence[str] | None = None,
    overlap: Overlap | None = None,
    advance: Advance = silent,
) -> Evaluation:
    """Evaluate a model.

    Args:
        model: The model.
        corpus: Labelled texts that are not empty once normalised.
        training: The raw training texts, to find near-duplicates.
        overlap: How many texts of the corpus are training texts, if known.
        advance: Called with the number of texts answered.
    """
    decisions = np.empty((len(corpus), len(LABELS)), dtype=np.float64)
    readings: list[Reading] = []
    for start in range(0, len(corpus), _CHUNK):
        chunk = corpus.texts[start : start + _CHUNK]
        decisions[start : start + len(chunk)], of_chunk = model.decide(chunk)
        readings += of_chunk
        advance(len(chunk))
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


def length_bands(texts: Sequence[str]) -> list[str]:
    """The band of each text by its number of words, such as ``6-10`` or ``31-``."""
    words = _count_words(texts)
    places = np.searchsorted(BANDS, words, side="left").tolist()
    names = [f"{least}-{most or ''}" for least, most in _bands()]
    return [names[place] for place in places]


def _count_words(texts: Sequence[str]) -> Int64Array:
    return np.array([len(normalise(text).split()) for text in texts], dtype=np.int64)


def _bands() -> Iterator[tuple[int, int | None]]:
    """The least and the most words of each band."""
    return zip((1, *(end + 1 for end in BANDS)), (*BANDS, None), strict=True)


def _by_length(corpus: Corpus, targets: Int64Array, scores: Float64Array) -> list[LengthBand]:
    words = _count_words(corpus.texts)
    bands = []
    for least, most in _bands():
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


def _leakage(
    corpus: Corpus, training: Sequence[str], targets: Int64Array, scores: Float64Array
) -> Leakage:
    matches = nearest(corpus.texts, training)
    others = np.ones(len(corpus), dtype=np.bool_)
    others[[match.index for match in matches]] = False
    return Leakage(
        threshold=THRESHOLD,
        texts=len(matches),
        identical=sum(match.similarity == 1 for match in matches),
        without=measure(targets[others], scores[others]) if others.any() else None,
    )
