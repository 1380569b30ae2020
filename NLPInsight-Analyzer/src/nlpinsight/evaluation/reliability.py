"""Reliability of confidence: calibration error and log loss, before and after calibration.

The classes here are parts of ``evaluation.json``.
"""

from typing import Annotated, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from nlpinsight.arrays import Float64Array, Int64Array
from nlpinsight.backends.calibration import Calibrator, HeldOut, softmax

Rate = Annotated[float, Field(ge=0, le=1)]

_BINS: Final = 10

# In smaller bins, mean confidence and accuracy differ by chance.
_LEAST_IN_BIN: Final = 50

# Lower ends of the bands of known words. No word, and every word, are separate bands.
_BANDS: Final = (0.0, 1e-12, 0.25, 0.5, 0.75, 1.0)


class Record(BaseModel):
    """Part of a JSON document."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Calibration(Record):
    """Tenths of the texts by confidence.

    Attributes:
        confidence: Mean confidence of each tenth.
        accuracy: Share of correct predictions of each tenth.
        texts: Number of texts of each tenth.
        error: Expected calibration error: the mean gap between the two, weighted by texts.
    """

    confidence: list[float]
    accuracy: list[float]
    texts: list[int]
    error: float


class Reliability(Record):
    """Reliability of probabilities, calibrated and uncalibrated.

    Attributes:
        texts: Number of texts.
        accuracy: Share of correct predictions.
        confidence: Mean probability of the predicted label.
        error: Expected calibration error, in bins of equal size.
        log_loss: Mean negative log-likelihood, in nats.
        uncalibrated_confidence: The same for the softmax of the decisions.
        uncalibrated_error: The same for the softmax of the decisions.
        uncalibrated_log_loss: The same for the softmax of the decisions.
    """

    texts: int
    accuracy: Rate
    confidence: Rate
    error: float
    log_loss: float
    uncalibrated_confidence: Rate
    uncalibrated_error: float
    uncalibrated_log_loss: float


class VocabularyBand(Reliability):
    """`Reliability` of texts by their share of known words.

    Attributes:
        least: Minimum share of known words, included.
        most: Maximum share, excluded unless it is the minimum, or 1.
    """

    least: Rate
    most: Rate


class CalibrationFit(Record):
    """A calibrator, and its reliability on the texts that it was fitted on.

    Attributes:
        calibrator: The calibrator.
        as_they_are: Reliability on unchanged texts.
        words_hidden: Reliability on the same texts with hidden words.
        by_vocabulary: Reliability on both, by the share of known words.
    """

    calibrator: Calibrator
    as_they_are: Reliability
    words_hidden: Reliability
    by_vocabulary: list[VocabularyBand]


def describe_calibration(calibrator: Calibrator, held_out: HeldOut) -> CalibrationFit:
    """Evaluate a calibrator on the texts that it was fitted on.

    Only two numbers are fitted on thousands of texts, so these metrics are hardly too good; those
    on the held-out file of a report are unbiased.
    """
    raw = softmax(held_out.decisions)
    scores = calibrator.scores(held_out.decisions, held_out.known)
    plain, hidden = ~held_out.hidden, held_out.hidden
    targets = held_out.targets
    return CalibrationFit(
        calibrator=calibrator,
        as_they_are=reliability(targets[plain], scores[plain], raw[plain]),
        words_hidden=reliability(targets[hidden], scores[hidden], raw[hidden]),
        by_vocabulary=by_vocabulary(targets, scores, raw, held_out.known),
    )


def by_vocabulary(
    targets: Int64Array, scores: Float64Array, raw: Float64Array, known: Float64Array
) -> list[VocabularyBand]:
    """Compute `reliability` by the share of known words, without empty bands.

    Args:
        targets: Index of each text's label.
        scores: Calibrated probabilities: texts x labels.
        raw: Probabilities before calibration.
        known: Share of known words of each text.
    """
    bands = []
    places = np.searchsorted(_BANDS, known, side="right") - 1
    for place, least in enumerate(_BANDS):
        members = places == place
        if members.any():
            most = _BANDS[place + 1] if 0 < place < len(_BANDS) - 1 else least
            figures = reliability(targets[members], scores[members], raw[members])
            bands.append(
                VocabularyBand(least=round(least, 2), most=round(most, 2), **figures.model_dump())
            )
    return bands


def reliability(targets: Int64Array, scores: Float64Array, raw: Float64Array) -> Reliability:
    """Compute the reliability of probabilities.

    Args:
        targets: Index of each text's label.
        scores: Calibrated probabilities: texts x labels.
        raw: Probabilities before calibration.
    """
    bins = max(1, min(_BINS, len(targets) // _LEAST_IN_BIN))
    return Reliability(
        texts=len(targets),
        accuracy=float((scores.argmax(axis=1) == targets).mean()),
        confidence=_mean_confidence(scores),
        error=calibration_of(targets, scores, bins=bins).error,
        log_loss=log_loss(targets, scores),
        uncalibrated_confidence=_mean_confidence(raw),
        uncalibrated_error=calibration_of(targets, raw, bins=bins).error,
        uncalibrated_log_loss=log_loss(targets, raw),
    )


def calibration_of(targets: Int64Array, scores: Float64Array, *, bins: int = _BINS) -> Calibration:
    """Compute confidence and accuracy in bins of about equal size by confidence.

    Texts with equal confidence are in the same bin, so that the result does not depend on their
    order.
    """
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == targets
    order = np.argsort(confidence, kind="stable")
    first_of_equals = np.searchsorted(confidence[order], confidence[order], side="left")
    places = first_of_equals * bins // len(targets)
    parts = [order[places == place] for place in np.unique(places)]
    means = [float(confidence[part].mean()) for part in parts]
    shares = [float(right[part].mean()) for part in parts]
    sizes = [len(part) for part in parts]
    gaps = [abs(mean - share) for mean, share in zip(means, shares, strict=True)]
    return Calibration(
        confidence=means,
        accuracy=shares,
        texts=sizes,
        error=float(np.average(gaps, weights=sizes)),
    )


def log_loss(targets: Int64Array, scores: Float64Array) -> float:
    """Mean negative log-likelihood, in nats. Probabilities of 0 are replaced by a tiny one."""
    truth = scores[np.arange(len(targets)), targets]
    return float(-np.log(np.maximum(truth, np.finfo(np.float64).tiny)).mean())


def _mean_confidence(scores: Float64Array) -> float:
    return min(1.0, float(scores.max(axis=1).mean()))
