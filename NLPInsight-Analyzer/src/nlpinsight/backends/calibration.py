"""Calibrates a model's decisions to probabilities, also for texts with unknown words.

The softmax of decisions is not the probability that an answer is correct, in particular for texts
in other languages than the training's. Two numbers correct it, fitted on texts that the model was
not trained on, unchanged and with hidden words (`nlpinsight.text.hidden_words`):

- a *temperature* that divides the decisions (Guo et al., "On Calibration of Modern Neural
  Networks", ICML 2017). It never changes a label.
- a *reach*: a text with a share v of known words gets ``w * softmax + (1 - w) * base rates`` with
  ``w = 1 - (1 - v) ** reach``. Without known words, the answer is the base rates of the training.

A back end collects answers of models to texts that they were not trained on with `HeldOut.of` and
`HeldOut.joined`, and fits the calibrator with `fit`. The known words of the linear back end are its
terms, those of a transformer the `SeenTokens` of its training texts.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from nlpinsight.arrays import BoolArray, Float64Array, Int64Array
from nlpinsight.schema import LABELS
from nlpinsight.text.hidden_words import hide_words_of_each

Score = Callable[[Sequence[str]], tuple[Float64Array, Float64Array]]
"""Computes the decisions (texts x labels) and the share of known words of texts."""

CALIBRATION: Final = "calibration.json"
"""The file of a sealed model that holds its calibrator."""

# Bounds of the search, as natural logarithms, and its precision.
_LOG_TEMPERATURES: Final = (-3.0, 3.0)
_LOG_REACHES: Final = (-2.0, 5.0)
_PRECISION: Final = 1e-4
_SWEEPS: Final = 20
_GOLDEN: Final = (5**0.5 - 1) / 2


class Calibrator(BaseModel):
    """Converts decisions to probabilities.

    Attributes:
        temperature: Divisor of the decisions.
        reach: How fast trust grows with the share of known words; see the module.
        base_rates: Share of each label in the training, in the order of `LABELS`.
        texts: Number of held-out texts that it was fitted on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    reach: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    base_rates: tuple[float, ...] = Field(min_length=len(LABELS), max_length=len(LABELS))
    texts: int

    def scores(self, decisions: Float64Array, known: Float64Array) -> Float64Array:
        """The probability of each label.

        Args:
            decisions: Decisions before softmax: texts x labels.
            known: Share of known words of each text, from 0 to 1.

        Returns:
            Texts x labels; rows sum to 1.
        """
        trust = (1.0 - (1.0 - known) ** self.reach)[:, np.newaxis]
        mixed = trust * softmax(decisions / self.temperature) + (1.0 - trust) * self._base
        return np.asarray(mixed, dtype=np.float64)

    def scores_of_one(self, decision: Sequence[float], known: float) -> list[float]:
        """`scores` of one text, without arrays: their calls take longer than one text.

        Args:
            decision: One number per label.
            known: Share of known words.
        """
        trust = 1.0 - (1.0 - known) ** self.reach
        powers = softmax_of_one([one / self.temperature for one in decision])
        return [
            trust * power + (1.0 - trust) * rate
            for power, rate in zip(powers, self.base_rates, strict=True)
        ]

    def add_to(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """A model's files, including this calibrator."""
        return {**files, CALIBRATION: self.model_dump_json(indent=2).encode()}

    @classmethod
    def read_from(cls, files: Mapping[str, bytes]) -> "Calibrator | None":
        """The calibrator of a sealed model; None if it has none.

        Raises:
            ValueError: The file is invalid.
        """
        return cls.model_validate_json(files[CALIBRATION]) if CALIBRATION in files else None

    @property
    def _base(self) -> Float64Array:
        return np.array(self.base_rates, dtype=np.float64)


@dataclass(frozen=True)
class HeldOut:
    """Answers of models to texts that they were not trained on.

    Attributes:
        decisions: Decisions before softmax: texts x labels.
        known: Share of known words of each text.
        targets: Index of each text's label in `LABELS`.
        hidden: Whether words of the text were hidden.
    """

    decisions: Float64Array
    known: Float64Array
    targets: Int64Array
    hidden: BoolArray

    def __len__(self) -> int:
        """The number of texts."""
        return len(self.targets)

    @classmethod
    def of(cls, score: Score, texts: Sequence[str], targets: Int64Array, *, seed: int) -> Self:
        """Score texts unchanged, and again with hidden words.

        Args:
            score: A model that was not trained on these texts.
            texts: The texts, normalised.
            targets: Index of each text's label in `LABELS`.
            seed: Random seed of the hidden words.

        Returns:
            Two rows per text: first all unchanged texts.
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
        """Concatenate the answers of several models, such as those of a cross-validation."""
        columns = zip(*((p.decisions, p.known, p.targets, p.hidden) for p in parts), strict=True)
        return cls(*map(np.concatenate, columns))


def base_rates_of(targets: Int64Array) -> tuple[float, ...]:
    """The share of each label, in the order of `LABELS`."""
    shares = np.bincount(targets, minlength=len(LABELS)) / len(targets)
    return tuple(shares.tolist())


def fit(held_out: HeldOut, base_rates: tuple[float, ...]) -> Calibrator:
    """Fit a calibrator: the temperature and the reach with the lowest log loss.

    Args:
        held_out: Answers of models to texts that they were not trained on.
        base_rates: Share of each label in the training.
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
        temperature = _minimize(lambda value: loss(value, reach), _LOG_TEMPERATURES)  # noqa: B023
        reach = _minimize(lambda value: loss(temperature, value), _LOG_REACHES)  # noqa: B023
        if max(abs(temperature - before[0]), abs(reach - before[1])) < _PRECISION:
            break
    return candidate(temperature, reach)


def softmax(decisions: Float64Array) -> Float64Array:
    """The softmax of each row of decisions."""
    powers = np.exp(decisions - decisions.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def softmax_of_one(decision: Sequence[float]) -> list[float]:
    """The softmax of one text's decision."""
    most = max(decision)
    powers = [math.exp(one - most) for one in decision]
    total = sum(powers)
    return [power / total for power in powers]


def _minimize(loss: Callable[[float], float], bounds: tuple[float, float]) -> float:
    """The minimum of a unimodal function, by golden-section search."""
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
