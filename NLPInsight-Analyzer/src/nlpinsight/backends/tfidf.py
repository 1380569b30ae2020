"""The linear back end.

A sealed model holds the fitted scikit-learn pipeline (``pipeline.joblib``), and the terms and
weights exported from it, which were checked to give the same answers. Serving uses the latter: it
unpickles nothing, needs numpy alone, and is several times faster than the pipeline on one text.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from modelseal import GoldenValue
from pydantic import Field, JsonValue, TypeAdapter

from nlpinsight.arrays import Float64Array
from nlpinsight.backends.calibration import Calibrator
from nlpinsight.backends.linear import LinearModel
from nlpinsight.model import CONFIG, ModelConfig, Reading, SentimentModel, calibrated_one
from nlpinsight.schema import Backend
from nlpinsight.text.normalisation import normalise_all

PIPELINE: Final = "pipeline.joblib"


class TfidfConfig(ModelConfig):
    """``config.json`` of this back end.

    Attributes:
        characters: Maximum number of characters of a normalised text.
    """

    backend: Literal["tfidf"] = "tfidf"
    characters: int = Field(default=10_000, ge=1)


class TfidfModel(SentimentModel):
    """A loaded model of this back end.

    Args:
        linear: The linear model.
        config: Its configuration.
        calibrator: Converts decisions to probabilities; None for models sealed without it.
    """

    backend: Backend = "tfidf"
    tolerance = 1e-9  # sums of floats in another order

    def __init__(
        self, linear: LinearModel, config: TfidfConfig, calibrator: Calibrator | None = None
    ) -> None:
        self.linear = linear
        self._characters = config.characters
        self.calibrator = calibrator

    def read(self, texts: Sequence[str]) -> tuple[list[str], list[Reading]]:
        """The part of each text that the model reads, normalised, and its extent."""
        cut, totals = self._cut(texts)
        return cut, self._readings(cut, totals, map(self.linear.known_share, cut))

    def decide(self, texts: Sequence[str]) -> tuple[Float64Array, list[Reading]]:
        """The decisions before softmax and calibration (texts x labels), and what was read."""
        cut, totals = self._cut(texts)
        decisions, shares = self.linear.decide(cut)
        return decisions, self._readings(cut, totals, shares.tolist())

    def score_lists(self, texts: Sequence[str]) -> tuple[list[list[float]], list[Reading]]:
        """The scores, and how much of each text was read, without arrays."""
        cut, totals = self._cut(texts)
        scores, shares = [], []
        for text in cut:
            decision, share = self.linear.decide_one(text)
            shares.append(share)
            scores.append(calibrated_one(decision, share, self.calibrator))
        return scores, self._readings(cut, totals, shares)

    def replay(self, inputs: Sequence[JsonValue]) -> Mapping[str, Sequence[GoldenValue]]:
        """Answer golden texts.

        For calibrated models also ``decision`` and ``explained_decision``, one answer by two code
        paths: the score, and the sum of the explanation by `nlpinsight.explain`.
        """
        answers = dict(super().replay(inputs))
        if self.calibrator is not None:
            texts = TypeAdapter(list[str]).validate_python(inputs)
            cut, _ = self._cut(texts)
            explained = [
                self.linear.intercept + self.linear.contributions(text).sum(axis=0) for text in cut
            ]
            answers["decision"] = [tuple(row) for row in self.linear.decide(cut)[0].tolist()]
            answers["explained_decision"] = [tuple(row.tolist()) for row in explained]
        return answers

    def _cut(self, texts: Sequence[str]) -> tuple[list[str], list[int]]:
        """The part of each text that is read, normalised, and the length of the whole."""
        normalised = normalise_all(texts)
        return [text[: self._characters] for text in normalised], list(map(len, normalised))

    @staticmethod
    def _readings(cut: list[str], totals: list[int], shares: Iterable[float]) -> list[Reading]:
        return [
            Reading("characters", used=len(part), total=total, in_vocabulary=share)
            for part, total, share in zip(cut, totals, shares, strict=True)
        ]


def pack(linear: LinearModel, pipeline: bytes) -> dict[str, bytes]:
    """The files of a model by name, for `modelseal.seal` and `load`.

    Args:
        linear: The linear model that answers requests.
        pipeline: The pipeline that it was exported from, as a joblib file.
    """
    return {
        CONFIG: TfidfConfig().model_dump_json(indent=2).encode(),
        PIPELINE: pipeline,
        **linear.to_files(),
    }


def load(files: Mapping[str, bytes]) -> TfidfModel:
    """Make a model from the verified files of a sealed model."""
    return TfidfModel(
        LinearModel.from_files(files),
        TfidfConfig.model_validate_json(files[CONFIG]),
        Calibrator.read_from(files),
    )
