"""Fits the linear model that a transformer is pooled with, and its weight."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from nlpinsight.arrays import Float64Array, Int64Array
from nlpinsight.backends.calibration import Calibrator, HeldOut, base_rates_of, fit, softmax
from nlpinsight.backends.linear import LinearModel
from nlpinsight.backends.pooling import Pool, pooled
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.finetune_options import FinetuneOptions
from nlpinsight.training.finetuning.finetune import Finetuned
from nlpinsight.training.finetuning.members import deal_folds
from nlpinsight.training.linear_pipeline import export, fit_pipeline

_NEWTON_STEPS: Final = 50
_CLOSE: Final = 1e-9

# Number of texts on which the linear model must agree with its pipeline.
_COMPARED: Final = 500


@dataclass(frozen=True)
class FittedPool:
    """A fitted pool and its calibrator.

    Attributes:
        pool: The linear model trained on all texts, and its weight.
        held_out: Pooled decisions of the members and of linear models of the same folds, on texts
            that they were not trained on.
        calibrator: The calibrator of those decisions.
    """

    pool: Pool
    held_out: HeldOut
    calibrator: Calibrator


def fit_pool(texts: Sequence[str], targets: Int64Array, tuned: Finetuned) -> FittedPool:
    """Fit a linear model to the training texts of a transformer, and choose its weight.

    Args:
        texts: The training texts, raw.
        targets: Index of each text's label in `LABELS`.
        tuned: The fine-tuned transformer.

    Returns:
        The pool with the `best_weight` on unchanged texts.

    Raises:
        AgreementError: A linear model does not answer as its pipeline.
    """
    read = normalise_all(texts)
    linear = _linear_held_out(read, targets, tuned.options)
    plain = ~tuned.held_out.hidden
    weight = best_weight(
        tuned.held_out.decisions[plain], linear.decisions[plain], linear.targets[plain]
    )
    decisions = pooled(tuned.held_out.decisions, linear.decisions, weight)
    held_out = replace(tuned.held_out, decisions=decisions)
    calibrator = fit(held_out, base_rates_of(targets))
    return FittedPool(Pool(_fit_linear(read, targets), weight), held_out, calibrator)


def best_weight(decisions: Float64Array, other: Float64Array, targets: Int64Array) -> float:
    """The weight of the other model in the pool with the lowest log loss, at the best temperature.

    Weight and temperature are equivalent to two factors of the models' log-probabilities. Log loss
    is convex in them; Newton's method finds the minimum.

    Args:
        decisions: Decisions before softmax: texts x labels.
        other: The other model's decisions.
        targets: Index of each text's label in `LABELS`.

    Returns:
        From 0 to 1, in steps of 0.01.
    """
    both = np.stack([pooled(decisions, other, 0.0), pooled(decisions, other, 1.0)], axis=2)
    rows = np.arange(len(targets))
    factors = np.array([0.5, 0.5])
    for _ in range(_NEWTON_STEPS):
        scores = softmax(both @ factors)
        mean = np.einsum("nl,nlm->nm", scores, both)
        slope = (mean - both[rows, targets]).mean(axis=0)
        apart = both - mean[:, np.newaxis]
        curve = np.einsum("nl,nlm,nlk->mk", scores, apart, apart) / len(targets)
        step = np.linalg.lstsq(curve, slope, rcond=None)[0]
        factors -= step
        if np.abs(step).max() < _CLOSE:
            break
    return round(float(np.clip(factors[1] / factors.sum(), 0, 1)), 2)


def _linear_held_out(read: Sequence[str], targets: Int64Array, options: FinetuneOptions) -> HeldOut:
    """Answers of linear models to the same texts as the members, in the same order."""
    parts = []
    for number, fold in enumerate(deal_folds(targets, options.folds, seed=options.seed), start=1):
        inside = np.setdiff1d(np.arange(len(read)), fold)
        linear = _fit_linear([read[row] for row in inside], targets[inside])
        outside = [read[row] for row in fold]
        parts.append(HeldOut.of(linear.decide, outside, targets[fold], seed=options.seed + number))
    return HeldOut.joined(parts)


def _fit_linear(texts: Sequence[str], targets: Int64Array) -> LinearModel:
    return export(fit_pipeline(texts, targets), texts[:_COMPARED])
