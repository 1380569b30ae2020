"""The linear back end, as a service holds it.

Its sealed model holds the fitted scikit-learn pipeline (``pipeline.joblib``) and, taken out of it
and proven to answer the same when it was sealed, the terms and weights that requests are answered
with. Serving unpickles nothing: it needs numpy alone, is ready at once, and is several times
faster than the pipeline on one text.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from modelseal import GoldenValue
from pydantic import Field, JsonValue, TypeAdapter

from nlpinsight.backends.calibration import Calibrator
from nlpinsight.backends.linear import LinearModel
from nlpinsight.model import CONFIG, ModelConfig, Reading, calibrated, replay
from nlpinsight.schema import Backend
from nlpinsight.text.normalisation import normalise_all

__all__ = ["PIPELINE", "TfidfConfig", "TfidfModel", "load", "pack"]

Floats = npt.NDArray[np.float64]

PIPELINE: Final = "pipeline.joblib"


class TfidfConfig(ModelConfig):
    """``config.json`` of this back end.

    Attributes:
        characters: How many characters of a normalised text are read: a long article.
    """

    backend: Literal["tfidf"] = "tfidf"
    characters: int = Field(default=10_000, ge=1)


class TfidfModel:
    """Answers texts.

    Args:
        linear: What computes.
        config: What is sealed with it.
        calibrator: What makes probabilities of its decisions; None in models that were sealed
            before there was one.

    Attributes:
        linear: The same.
    """

    def __init__(
        self, linear: LinearModel, config: TfidfConfig, calibrator: Calibrator | None = None
    ) -> None:
        self.linear = linear
        self._characters = config.characters
        self._calibrator = calibrator

    @property
    def backend(self) -> Backend:
        """Which back end this is."""
        return "tfidf"

    @property
    def tolerance(self) -> float:
        """How far a score may move between machines: sums of floats in another order."""
        return 1e-9

    @property
    def calibrator(self) -> Calibrator | None:
        """What makes probabilities of decisions."""
        return self._calibrator

    def read(self, texts: Sequence[str]) -> tuple[list[str], list[Reading]]:
        """What is read of each text, normalised, and how much of it that is.

        Raises:
            EmptyTextError: A text has nothing left once it is normalised.
        """
        cut, totals = self._cut(texts)
        return cut, self._readings(cut, totals, map(self.linear.known_share, cut))

    def decide(self, texts: Sequence[str]) -> tuple[Floats, list[Reading]]:
        """The decision function, and how much of each text it rests on."""
        cut, totals = self._cut(texts)
        decisions, shares = self.linear.decide(cut)
        return decisions, self._readings(cut, totals, shares)

    def scores(self, texts: Sequence[str]) -> Floats:
        """The probability of each class, in the order of `LABELS`: one row per text."""
        return self.answer(texts)[0]

    def answer(self, texts: Sequence[str]) -> tuple[Floats, list[Reading]]:
        """The scores, and how much of each text they rest on."""
        decisions, readings = self.decide(texts)
        return calibrated(decisions, readings, self._calibrator), readings

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden texts.

        Of a calibrated model also ``decision`` and ``explained_decision``, the same answer by two
        paths: what is scored, and what `nlpinsight.explain` gives to the words, with the base.
        """
        answers = replay(self, inputs)
        if self._calibrator is not None:
            texts = TypeAdapter(list[str]).validate_python(inputs)
            cut, _ = self._cut(texts)
            explained = [
                self.linear.intercept + self.linear.contributions(text).sum(axis=0) for text in cut
            ]
            answers["decision"] = [tuple(row) for row in self.linear.decisions(cut).tolist()]
            answers["explained_decision"] = [tuple(row.tolist()) for row in explained]
        return answers

    def _cut(self, texts: Sequence[str]) -> tuple[list[str], list[int]]:
        """What is read of each text, normalised, and how long the whole of it is."""
        normalised = normalise_all(texts)
        return [text[: self._characters] for text in normalised], list(map(len, normalised))

    @staticmethod
    def _readings(cut: list[str], totals: list[int], shares: Iterable[float]) -> list[Reading]:
        return [
            Reading("characters", used=len(part), total=total, in_vocabulary=share)
            for part, total, share in zip(cut, totals, shares, strict=True)
        ]


def pack(linear: LinearModel, pipeline: bytes) -> dict[str, bytes]:
    """The files of a model, by name: what `modelseal.seal` seals and `load` reads.

    Args:
        linear: What requests are answered with.
        pipeline: What it was taken out of, as joblib.
    """
    return {
        CONFIG: TfidfConfig().model_dump_json(indent=2).encode(),
        PIPELINE: pipeline,
        **linear.to_files(),
    }


def load(files: Mapping[str, bytes]) -> TfidfModel:
    """Make a model of the verified files of a sealed model."""
    return TfidfModel(
        LinearModel.from_files(files),
        TfidfConfig.model_validate_json(files[CONFIG]),
        Calibrator.read_from(files),
    )
