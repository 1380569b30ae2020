"""The linear back end, as a service holds it.

Its sealed model holds the fitted scikit-learn pipeline (``pipeline.joblib``) and, taken out of it
and proven to answer the same when it was sealed, the terms and weights that requests are answered
with. Serving unpickles nothing: it needs numpy alone, is ready at once, and is several times
faster than the pipeline on one text.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from pinproof import GoldenValue
from pydantic import Field, JsonValue

from nlpinsight.linear import LinearModel, softmax
from nlpinsight.model import CONFIG, ModelConfig, Reading, replay
from nlpinsight.schema import Backend
from nlpinsight.text import normalise_all

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

    Attributes:
        linear: The same.
    """

    def __init__(self, linear: LinearModel, config: TfidfConfig) -> None:
        self.linear = linear
        self._characters = config.characters

    @property
    def backend(self) -> Backend:
        """Which back end this is."""
        return "tfidf"

    @property
    def tolerance(self) -> float:
        """How far a score may move between machines: sums of floats in another order."""
        return 1e-9

    def read(self, texts: Sequence[str]) -> tuple[list[str], list[Reading]]:
        """What is read of each text, normalised, and how much of it that is.

        Raises:
            EmptyTextError: A text has nothing left once it is normalised.
        """
        normalised = normalise_all(texts)
        cut = [text[: self._characters] for text in normalised]
        return cut, [
            Reading("characters", used=len(part), total=len(text))
            for part, text in zip(cut, normalised, strict=True)
        ]

    def scores(self, texts: Sequence[str]) -> Floats:
        """The probability of each class, in the order of `LABELS`: one row per text."""
        return self.answer(texts)[0]

    def answer(self, texts: Sequence[str]) -> tuple[Floats, list[Reading]]:
        """The scores, and how much of each text they rest on."""
        read, readings = self.read(texts)
        return softmax(self.linear.decisions(read)), readings

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden texts."""
        return replay(self, inputs)


def pack(linear: LinearModel, pipeline: bytes) -> dict[str, bytes]:
    """The files of a model, by name: what `pinproof.seal` seals and `load` reads.

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
    return TfidfModel(LinearModel.from_files(files), TfidfConfig.model_validate_json(files[CONFIG]))
