"""From a model's decisions to probabilities that mean what they say, also where it knows nothing.

A softmax of decisions is no probability that an answer is right, least of all for a text in a
language that the training never saw. Two numbers correct it. Both are fitted on texts that the
model did not learn from, as they are and with words hidden (`nlpinsight.text.hidden_words`):

- a *temperature* that the decisions are divided by (Guo et al., "On Calibration of Modern Neural
  Networks", ICML 2017). It moves no text to another label.
- a *reach*: a text of which the model knows the share v of the words gets
  ``w * softmax + (1 - w) * base rates`` with ``w = 1 - (1 - v) ** reach``. Where no word is known,
  the answer is the base rates of the training: nothing else is known.

For a back end: let models score texts that they were not trained on with `HeldOut.of`, put the
parts together with `HeldOut.joined`, and `fit` the calibrator. `Calibrator.add_to` puts it into the
model's files, `Calibrator.read_from` reads it back. The known words of the linear back end are its
terms, those of a transformer the `SeenTokens` of its training's texts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from nlpinsight.schema import LABELS
from nlpinsight.text.hidden_words import hide_words_of_each

__all__ = ["CALIBRATION", "Calibrator", "HeldOut", "base_rates_of", "fit", "softmax"]

Floats = npt.NDArray[np.float64]
Targets = npt.NDArray[np.int64]
Score = Callable[[Sequence[str]], tuple[Floats, Floats]]
"""Gives the decisions (texts x labels) and the share of known words of each text."""

CALIBRATION: Final = "calibration.json"
"""The file of a sealed model that holds its calibrator."""

# The bounds of the search, as natural logarithms, and how near it comes to the best value.
_LOG_TEMPERATURES: Final = (-3.0, 3.0)
_LOG_REACHES: Final = (-2.0, 5.0)
_PRECISION: Final = 1e-4
_SWEEPS: Final = 20
_GOLDEN: Final = (5**0.5 - 1) / 2


class Calibrator(BaseModel):
    """The numbers that turn decisions into probabilities.

    Attributes:
        temperature: What decisions are divided by.
        reach: How fast trust grows with the share of known words; see the module.
        base_rates: The share of each label in the training, in the order of the labels.
        texts: How many held-out texts it was fitted on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    reach: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    base_rates: tuple[float, float, float]
    texts: int

    def scores(self, decisions: Floats, known: Floats) -> Floats:
        """The probability of each label.

        Args:
            decisions: The model's decisions before softmax: texts x labels.
            known: The share of each text's words that the model knows, from 0 to 1.

        Returns:
            Rows that sum to 1. A text with no known word gets the base rates.
        """
        trust = (1.0 - (1.0 - known) ** self.reach)[:, np.newaxis]
        mixed = trust * softmax(decisions / self.temperature) + (1.0 - trust) * self._base
        return np.asarray(mixed, dtype=np.float64)

    def add_to(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """A model's files with this calibrator among them."""
        return {**files, CALIBRATION: self.model_dump_json(indent=2).encode()}

    @classmethod
    def read_from(cls, files: Mapping[str, bytes]) -> "Calibrator | None":
        """The calibrator of a sealed model; None where it has none.

        Raises:
            ValueError: Its file does not hold one.
        """
        return cls.model_validate_json(files[CALIBRATION]) if CALIBRATION in files else None

    @property
    def _base(self) -> Floats:
        return np.array(self.base_rates, dtype=np.float64)


@dataclass(frozen=True)
class HeldOut:
    """What models said about texts that they did not learn from.

    Attributes:
        decisions: Before softmax: texts x labels.
        known: The share of each text's words that the model that scored it knows.
        targets: The place of each text's label in `LABELS`.
        hidden: Whether words of the text were hidden.
    """

    decisions: Floats
    known: Floats
    targets: Targets
    hidden: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self.targets)

    @classmethod
    def of(cls, score: Score, texts: Sequence[str], targets: Targets, *, seed: int) -> Self:
        """Let a model score texts as they are, and once more with words hidden.

        Args:
            score: The model, which did not learn from these texts.
            texts: The texts, normalised.
            targets: The place of each one's label in `LABELS`.
            seed: Decides which words are hidden.

        Returns:
            Twice as many rows as texts: first the texts as they are.
        """
        whole = score(texts)
        hidden = score(hide_words_of_each(texts, seed=seed))
        return cls(
            np.concatenate([whole[0], hidden[0]]),
            np.concatenate([whole[1], hidden[1]]),
            np.concatenate([targets, targets]),
            np.repeat([False, True], len(targets)),
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """What several models said about different texts, such as those of a cross-validation."""
        return cls(
            np.concatenate([part.decisions for part in parts]),
            np.concatenate([part.known for part in parts]),
            np.concatenate([part.targets for part in parts]),
            np.concatenate([part.hidden for part in parts]),
        )


def base_rates_of(targets: Targets) -> tuple[float, float, float]:
    """The share of each label among texts, in the order of the labels."""
    negative, neutral, positive = np.bincount(targets, minlength=len(LABELS)) / len(targets)
    return float(negative), float(neutral), float(positive)


def fit(held_out: HeldOut, base_rates: tuple[float, float, float]) -> Calibrator:
    """Fit a calibrator: the temperature and the reach of the least log loss.

    Args:
        held_out: What models said about texts that they did not learn from.
        base_rates: The share of each label in the training.
    """

    def candidate(log_temperature: float, log_reach: float) -> Calibrator:
        return Calibrator(
            temperature=float(np.exp(log_temperature)),
            reach=float(np.exp(log_reach)),
            base_rates=base_rates,
            texts=len(held_out),
        )

    def loss(log_temperature: float, log_reach: float) -> float:
        scores = candidate(log_temperature, log_reach).scores(held_out.decisions, held_out.known)
        truth = scores[np.arange(len(held_out)), held_out.targets]
        return float(-np.log(np.maximum(truth, np.finfo(np.float64).tiny)).mean())

    temperature, reach = 0.0, 1.0
    for _ in range(_SWEEPS):
        before = temperature, reach
        temperature = _least(lambda value: loss(value, reach), _LOG_TEMPERATURES)  # noqa: B023
        reach = _least(lambda value: loss(temperature, value), _LOG_REACHES)  # noqa: B023
        if max(abs(temperature - before[0]), abs(reach - before[1])) < _PRECISION:
            break
    return candidate(temperature, reach)


def softmax(decisions: Floats) -> Floats:
    """Probabilities of rows of decisions."""
    powers = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def _least(loss: Callable[[float], float], bounds: tuple[float, float]) -> float:
    """Where a function of one minimum is least, by golden-section search."""
    low, high = bounds
    one, other = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_one, at_other = loss(one), loss(other)
    while high - low > _PRECISION / 10:
        if at_one <= at_other:
            high, other, at_other = other, one, at_one
            one = high - _GOLDEN * (high - low)
            at_one = loss(one)
        else:
            low, one, at_one = one, other, at_other
            other = low + _GOLDEN * (high - low)
            at_other = loss(other)
    return (low + high) / 2
