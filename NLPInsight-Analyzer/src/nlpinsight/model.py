"""The interface of both back ends, and the loader of sealed models.

`load` is the entry point that modelseal calls to open a sealed model (group ``modelseal.loaders``).
The sealed ``config.json`` alone names the back end. A back end is a module with
``load(files) -> SentimentModel``; it is imported when a model of its kind is opened, so that each
needs its own libraries only.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final, NamedTuple, cast

import numpy as np
from modelseal import GoldenValue
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter
from servicekit.answer_warnings import AnswerWarning

from nlpinsight.arrays import Float64Array
from nlpinsight.backends.calibration import Calibrator, softmax, softmax_of_one
from nlpinsight.schema import LABELS, Backend, Label, Sentiment, Unit

CONFIG: Final = "config.json"
"""The file of every sealed model that names its back end."""

NO_KNOWN_TERM: Final = "no_known_term"
MOSTLY_UNKNOWN: Final = "mostly_unknown"

# Answers are marked below this share of known words: 1.5% of the texts of the model card.
_MOSTLY: Final = 0.5

_MODULES: Final[dict[Backend, str]] = {
    "tfidf": "nlpinsight.backends.tfidf",
    "transformer": "nlpinsight.backends.transformer",
}


class ModelConfig(BaseModel):
    """The common part of ``config.json``; back ends add fields in subclasses.

    Attributes:
        backend: The back end of the model.
        labels: The labels in the order of the model's scores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: Backend
    labels: tuple[Label, ...] = LABELS


class Reading(NamedTuple):
    """How much of a text a model read.

    Attributes:
        unit: Unit of length of the normalised text.
        used: Length that the model read.
        total: Length of the text.
        in_vocabulary: Share of the words read that occurred in training, 0 without words; None
            if the model was sealed without its vocabulary.
    """

    unit: Unit
    used: int
    total: int
    in_vocabulary: float | None = None

    @property
    def truncated(self) -> bool:
        """Whether the end of the text was ignored."""
        return self.used < self.total


class SentimentModel(ABC):
    """A loaded model of either back end. It normalises the raw texts itself.

    Not a protocol: the service checks the class of its model at each request, and a check of a
    protocol looks at every attribute.

    Methods raise an EmptyTextError if a text is empty once normalised.

    Attributes:
        backend: The back end.
        tolerance: How far a score of the same model may differ between machines.
        calibrator: Converts decisions to probabilities; None for models sealed without it.
    """

    backend: Backend
    tolerance: float
    calibrator: Calibrator | None

    @abstractmethod
    def read(self, texts: Sequence[str]) -> tuple[list[str], list[Reading]]:
        """The part of each text that the model reads, normalised, and its extent."""

    @abstractmethod
    def decide(self, texts: Sequence[str]) -> tuple[Float64Array, list[Reading]]:
        """The decisions before softmax and calibration (texts x labels), and what was read."""

    def scores(self, texts: Sequence[str]) -> Float64Array:
        """The probability of each label, in the order of `LABELS`: one row per text."""
        return self.answer(texts)[0]

    def answer(self, texts: Sequence[str]) -> tuple[Float64Array, list[Reading]]:
        """The scores, and how much of each text was read."""
        scores, readings = self.score_lists(texts)
        return np.array(scores, dtype=np.float64).reshape(len(scores), len(LABELS)), readings

    def score_lists(self, texts: Sequence[str]) -> tuple[list[list[float]], list[Reading]]:
        """`answer` with lists instead of an array, whose calls take longer than one text."""
        decisions, readings = self.decide(texts)
        scores = [
            calibrated_one(decision, reading.in_vocabulary, self.calibrator)
            for decision, reading in zip(decisions.tolist(), readings, strict=True)
        ]
        return scores, readings

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden texts one at a time and all at once.

        Args:
            inputs: Texts.

        Returns:
            ``single_scores`` and ``batch_scores``: one vector per text, in the order of `LABELS`,
            by two code paths; ``label``: the label of the text alone; ``used``: how much of it was
            read. For calibrated models also ``in_vocabulary``: the share of known words.
        """
        texts = TypeAdapter(list[str]).validate_python(inputs)
        single = [self.answer([text]) for text in texts]
        known = [readings[0].in_vocabulary for _, readings in single]
        answers: dict[str, Sequence[GoldenValue]] = {
            "single_scores": [tuple(scores[0].tolist()) for scores, _ in single],
            "batch_scores": [tuple(row) for row in self.scores(texts).tolist()],
            "label": [LABELS[int(scores[0].argmax())] for scores, _ in single],
            "used": [float(readings[0].used) for _, readings in single],
        }
        # Golden sets of uncalibrated models do not have this output.
        if self.calibrator is not None:
            answers["in_vocabulary"] = [share for share in known if share is not None]
        return answers


def load(files: Mapping[str, bytes]) -> SentimentModel:
    """Make a model from the files of a sealed model.

    Args:
        files: Verified contents by file name.

    Raises:
        ValueError: ``config.json`` is missing or is not of this service.
    """
    if CONFIG not in files:
        raise ValueError(f"The model has no {CONFIG}, which names the back end.")
    config = _AnyConfig.model_validate_json(files[CONFIG])
    if config.labels != LABELS:
        raise ValueError(f"The model's labels are {config.labels}, not {LABELS}, in this order.")
    back_end = import_module(_MODULES[config.backend])
    return cast("SentimentModel", back_end.load(files))


def calibrated(
    decisions: Float64Array, readings: Sequence[Reading], calibrator: Calibrator | None
) -> Float64Array:
    """Convert decisions to probabilities; by softmax alone if there is no calibrator.

    Args:
        decisions: Texts x labels.
        readings: The share of known words of each text; taken as 1 if unknown.
        calibrator: The model's calibrator.
    """
    if calibrator is None:
        return softmax(decisions)
    shares = [1.0 if one.in_vocabulary is None else one.in_vocabulary for one in readings]
    return calibrator.scores(decisions, np.array(shares, dtype=np.float64))


def calibrated_one(
    decision: Sequence[float], known: float | None, calibrator: Calibrator | None
) -> list[float]:
    """`calibrated` for one text.

    Args:
        decision: One number per label.
        known: The share of known words; taken as 1 if unknown.
        calibrator: The model's calibrator.
    """
    if calibrator is None:
        return softmax_of_one(decision)
    return calibrator.scores_of_one(decision, 1.0 if known is None else known)


def warnings_of(reading: Reading) -> list[AnswerWarning]:
    """Warnings on the answer to a text, by its share of known words."""
    known = reading.in_vocabulary
    if known is None or known >= _MOSTLY:
        return []
    if known > 0:
        message = f"Only {known:.0%} of the words of the text occurred in training."
        return [AnswerWarning(code=MOSTLY_UNKNOWN, field="text", message=message)]
    message = "No word of the text occurred in training."
    return [AnswerWarning(code=NO_KNOWN_TERM, field="text", message=message)]


def predict_sentiments(
    model: SentimentModel,
    texts: Sequence[str],
    prediction_ids: Sequence[str | None] | None = None,
) -> list[Sentiment]:
    """Predict the sentiment of each text.

    Args:
        model: The model.
        texts: Raw texts.
        prediction_ids: The name of each prediction in the prediction log; None if none is logged.

    Raises:
        EmptyTextError: A text is empty once normalised.
    """
    scores, readings = model.score_lists(texts)
    return to_sentiments(scores, readings, prediction_ids)


def to_sentiments(
    scores: Sequence[Sequence[float]],
    readings: Sequence[Reading],
    prediction_ids: Sequence[str | None] | None = None,
) -> list[Sentiment]:
    """The answers of `SentimentModel.score_lists` as predictions.

    Args:
        scores: For each text, one number per label.
        readings: How much of each text was read.
        prediction_ids: As in `predict_sentiments`.
    """
    return [
        Sentiment(
            label=LABELS[row.index(best := max(row))],
            confidence=best,
            all_scores=dict(zip(LABELS, row, strict=True)),
            in_vocabulary=reading.in_vocabulary,
            warnings=warnings_of(reading),
            truncated=reading.truncated,
            unit=reading.unit,
            used=reading.used,
            total=reading.total,
            prediction_id=name,
        )
        for row, reading, name in zip(
            scores, readings, prediction_ids or [None] * len(readings), strict=True
        )
    ]


class _AnyConfig(ModelConfig):
    model_config = ConfigDict(frozen=True, extra="ignore")
