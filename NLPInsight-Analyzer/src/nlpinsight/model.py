"""The model as a service holds it, whichever back end it is.

`load` is what modelseal calls to open a sealed model (entry point ``modelseal.loaders``). Only
the sealed ``config.json`` chooses the back end: no flag can disagree with
the file. A back end is imported when a model of its kind is opened, so that neither waits for, nor
depends on, the libraries of the other.

A back end is a module with ``load(files) -> SentimentModel``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt
from modelseal import GoldenValue
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter
from servicekit.answer_warnings import AnswerWarning

from nlpinsight.backends.calibration import Calibrator, softmax
from nlpinsight.schema import LABELS, Backend, Label, Sentiment, Unit

__all__ = [
    "CONFIG",
    "MOSTLY_UNKNOWN",
    "NO_KNOWN_TERM",
    "ModelConfig",
    "Reading",
    "SentimentModel",
    "calibrated",
    "judge",
    "load",
    "replay",
    "warnings_of",
]

Floats = npt.NDArray[np.float64]

CONFIG: Final = "config.json"
"""The file of every sealed model that says which back end it is for."""

NO_KNOWN_TERM: Final = "no_known_term"
MOSTLY_UNKNOWN: Final = "mostly_unknown"

# Below this share of known words, an answer is marked: 1.5% of the texts of the model card.
_MOSTLY: Final = 0.5

_MODULES: Final[dict[Backend, str]] = {
    "tfidf": "nlpinsight.backends.tfidf",
    "transformer": "nlpinsight.backends.transformer",
}


class ModelConfig(BaseModel):
    """What every model's ``config.json`` says. Back ends derive from it and add their own.

    Attributes:
        backend: Which back end the model is for.
        labels: The classes in the order of the model's scores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: Backend
    labels: tuple[Label, ...] = LABELS


@dataclass(frozen=True)
class Reading:
    """How much of a text a model reads, and how much of that it knows.

    Attributes:
        unit: What the length is counted in, once the text is normalised.
        used: How many of them the model reads.
        total: How many there are.
        in_vocabulary: The share of the words it reads that it knows from its training, 0 where
            there are no words; None where the model was sealed without what it knows.
    """

    unit: Unit
    used: int
    total: int
    in_vocabulary: float | None = None

    @property
    def truncated(self) -> bool:
        """Whether the end of the text is ignored."""
        return self.used < self.total


@runtime_checkable
class SentimentModel(Protocol):
    """What both back ends can do. Texts are raw: a model normalises them itself."""

    @property
    def backend(self) -> Backend:
        """Which back end this is."""
        ...

    @property
    def tolerance(self) -> float:
        """How far a score may move between machines while the model is still the same one."""
        ...

    @property
    def calibrator(self) -> Calibrator | None:
        """What makes probabilities of decisions; None where the model was sealed without it."""
        ...

    def read(self, texts: Sequence[str]) -> tuple[list[str], list[Reading]]:
        """What the model reads of each text, normalised, and how much of it that is.

        Raises:
            EmptyTextError: A text has nothing left once it is normalised.
        """
        ...

    def decide(self, texts: Sequence[str]) -> tuple[Floats, list[Reading]]:
        """The decisions before any softmax and calibration, and how much of each text was read.

        Raises:
            EmptyTextError: A text has nothing left once it is normalised.
        """
        ...

    def scores(self, texts: Sequence[str]) -> Floats:
        """The probability of each class, in the order of `LABELS`: one row per text.

        Raises:
            EmptyTextError: A text has nothing left once it is normalised.
        """
        ...

    def answer(self, texts: Sequence[str]) -> tuple[Floats, list[Reading]]:
        """The scores, and how much of each text they rest on.

        Raises:
            EmptyTextError: A text has nothing left once it is normalised.
        """
        ...

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden inputs by every path that a service may take; see `replay`."""
        ...


def load(files: Mapping[str, bytes]) -> SentimentModel:
    """Make a model of the files of a sealed model.

    Args:
        files: Verified contents by file name. They may be unpickled: pass nothing that was not
            verified.

    Raises:
        ValueError: ``config.json`` is missing or is not of this service.
    """
    if CONFIG not in files:
        raise ValueError(f"The model has no {CONFIG}, so no back end can be chosen for it.")
    config = _AnyConfig.model_validate_json(files[CONFIG])
    if config.labels != LABELS:
        raise ValueError(f"The model's classes are {config.labels}, not {LABELS}, in this order.")
    back_end = import_module(_MODULES[config.backend])
    return cast("SentimentModel", back_end.load(files))


def calibrated(
    decisions: Floats, readings: Sequence[Reading], calibrator: Calibrator | None
) -> Floats:
    """Probabilities of decisions: a plain softmax where there is no calibrator.

    Args:
        decisions: Texts x labels.
        readings: How much of each text is known. Where that is not known, all of it is taken to be.
        calibrator: The model's.
    """
    if calibrator is None:
        return softmax(decisions)
    shares = [1.0 if one.in_vocabulary is None else one.in_vocabulary for one in readings]
    return calibrator.scores(decisions, np.array(shares, dtype=np.float64))


def warnings_of(reading: Reading) -> list[AnswerWarning]:
    """Why the answer to a text that was read so deserves less trust than others."""
    known = reading.in_vocabulary
    if known is None or known >= _MOSTLY:
        return []
    if known > 0:
        told = f"The model knows only {known:.0%} of the words of the text from its training."
        return [AnswerWarning(code=MOSTLY_UNKNOWN, field="text", message=told)]
    told = "The model knows no word of the text from its training."
    return [AnswerWarning(code=NO_KNOWN_TERM, field="text", message=told)]


def judge(model: SentimentModel, texts: Sequence[str]) -> list[Sentiment]:
    """What a model says of each text, as it is answered to people.

    Raises:
        EmptyTextError: A text has nothing left once it is normalised.
    """
    scores, readings = model.answer(texts)
    return [
        Sentiment(
            label=LABELS[best],
            confidence=row[best],
            all_scores=dict(zip(LABELS, row, strict=True)),
            in_vocabulary=reading.in_vocabulary,
            warnings=warnings_of(reading),
            truncated=reading.truncated,
            unit=reading.unit,
            used=reading.used,
            total=reading.total,
        )
        for best, row, reading in zip(
            scores.argmax(axis=1).tolist(), scores.tolist(), readings, strict=True
        )
    ]


def replay(model: SentimentModel, inputs: Sequence[JsonValue]) -> dict[str, Sequence[GoldenValue]]:
    """Answer golden texts one at a time and all at once: what both back ends replay.

    Args:
        model: The back end.
        inputs: Texts.

    Returns:
        ``single_scores`` and ``batch_scores``: one vector per text, in the order of `LABELS`, the
        same answer by two paths; ``label``: the label of the text on its own; ``used``: how much
        of it was read. Of a model that is calibrated also ``in_vocabulary``: the share of its words
        that is known.
    """
    texts = TypeAdapter(list[str]).validate_python(inputs)
    single = [model.answer([text]) for text in texts]
    known = [readings[0].in_vocabulary for _, readings in single]
    answers: dict[str, Sequence[GoldenValue]] = {
        "single_scores": [tuple(scores[0].tolist()) for scores, _ in single],
        "batch_scores": [tuple(row) for row in model.scores(texts).tolist()],
        "label": [LABELS[int(scores[0].argmax())] for scores, _ in single],
        "used": [float(readings[0].used) for _, readings in single],
    }
    # Models that were sealed before there was a calibrator have no such golden output.
    if model.calibrator is not None:
        answers["in_vocabulary"] = [share for share in known if share is not None]
    return answers


class _AnyConfig(ModelConfig):
    model_config = ConfigDict(frozen=True, extra="ignore")
