"""Whether confidence means what it says: calibration error and log loss, before and after.

The classes here are parts of ``evaluation.json``.
"""

from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from nlpinsight.backends.calibration import Calibrator, HeldOut, softmax

__all__ = [
    "Calibration",
    "CalibrationFit",
    "Reliability",
    "VocabularyBand",
    "by_vocabulary",
    "calibration_of",
    "describe_calibration",
    "log_loss",
    "reliability",
]

Floats = npt.NDArray[np.float64]
Targets = npt.NDArray[np.int64]
Rate = Annotated[float, Field(ge=0, le=1)]

_BINS: Final = 10

# Of so few texts, the mean confidence and accuracy of a bin would differ by chance alone.
_LEAST_IN_BIN: Final = 50

# Left ends of the bands of known words. No word at all, and every word, are bands of their own.
_BANDS: Final = (0.0, 1e-12, 0.25, 0.5, 0.75, 1.0)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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


class Reliability(_Record):
    """How far probabilities can be relied on, calibrated and not.

    Attributes:
        texts: How many texts were answered.
        accuracy: The share that got its label.
        confidence: The mean probability of the answered label.
        error: Expected calibration error, in bins of equal size.
        log_loss: Mean negative log-likelihood, in nats.
        uncalibrated_confidence: The same of a plain softmax of the decisions.
        uncalibrated_error: The same.
        uncalibrated_log_loss: The same.
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
    """`Reliability` of the texts of which the model knows about the same share of the words.

    Attributes:
        least: The least share of known words, included.
        most: The largest; excluded unless it is the least, or 1.
    """

    least: Rate
    most: Rate


class CalibrationFit(_Record):
    """A calibrator, and what it is worth on the held-out training texts that it was fitted on.

    Attributes:
        calibrator: Its numbers.
        as_they_are: On the held-out texts.
        words_hidden: On the same with words hidden.
        by_vocabulary: On both, by the share of known words.
    """

    calibrator: Calibrator
    as_they_are: Reliability
    words_hidden: Reliability
    by_vocabulary: list[VocabularyBand]


def describe_calibration(calibrator: Calibrator, held_out: HeldOut) -> CalibrationFit:
    """What a calibrator does to the texts that it was fitted on.

    Two numbers are fitted on thousands of texts, so the figures flatter it little; those on the
    held-out file of a report do not flatter it at all.
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
    targets: Targets, scores: Floats, raw: Floats, known: Floats
) -> list[VocabularyBand]:
    """`reliability` by the share of known words; bands without texts are left out.

    Args:
        targets: The place of each text's label.
        scores: Calibrated probabilities: texts x labels.
        raw: Probabilities before calibration.
        known: The share of known words of each text.
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


def reliability(targets: Targets, scores: Floats, raw: Floats) -> Reliability:
    """How far probabilities can be relied on.

    Args:
        targets: The place of each text's label.
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


def calibration_of(targets: Targets, scores: Floats, *, bins: int = _BINS) -> Calibration:
    """Confidence and accuracy in bins of about equal size by confidence.

    Texts of one confidence are in one bin: which of them had been right would otherwise be chance.
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


def log_loss(targets: Targets, scores: Floats) -> float:
    """Mean negative log-likelihood, in nats. An impossible answer costs much, not infinitely so."""
    truth = scores[np.arange(len(targets)), targets]
    return float(-np.log(np.maximum(truth, np.finfo(np.float64).tiny)).mean())


def _mean_confidence(scores: Floats) -> float:
    return min(1.0, float(scores.max(axis=1).mean()))
