"""Fitting what a transformer is pooled with, on answers to texts that no answering model knew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from nlpinsight.backends.calibration import Calibrator, HeldOut, base_rates_of, fit, softmax
from nlpinsight.backends.linear import LinearModel
from nlpinsight.backends.pooling import Pool, pooled
from nlpinsight.text.normalisation import normalise_all
from nlpinsight.training.finetuning.finetune import Finetuned
from nlpinsight.training.finetuning.members import deal_folds
from nlpinsight.training.finetuning.options import FinetuneOptions
from nlpinsight.training.linear_pipeline import export, fit_pipeline

__all__ = ["FittedPool", "best_weight", "fit_pool"]

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_NEWTON_STEPS: Final = 50
_CLOSE: Final = 1e-9

# Texts on which the linear model must agree with the pipeline that it is taken out of.
_COMPARED: Final = 500


@dataclass(frozen=True)
class FittedPool:
    """A pool, and what was learned of it on texts that the answering models did not learn from.

    Attributes:
        pool: The linear model of all texts, and its weight.
        held_out: The pooled decisions of the members and of linear models of the same folds.
        calibrator: Of those decisions.
    """

    pool: Pool
    held_out: HeldOut
    calibrator: Calibrator


def fit_pool(texts: Sequence[str], targets: Rows, tuned: Finetuned) -> FittedPool:
    """Fit a linear model to the texts of a fine-tuning, and choose the weight of its answers.

    Args:
        texts: The texts that were learned from, raw.
        targets: The place of each one's label in `LABELS`.
        tuned: The fine-tuning.

    Returns:
        The pool with `best_weight` on texts as they are.

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


def best_weight(decisions: Floats, other: Floats, targets: Rows) -> float:
    """The weight of the other model in the pool of the least log loss, at the best temperature.

    Weight and temperature together are two factors of the two models' log-probabilities, in which
    log loss is convex; Newton's method finds them.

    Args:
        decisions: Before softmax: texts x labels.
        other: The other model's.
        targets: The place of each text's label in `LABELS`.

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


def _linear_held_out(read: Sequence[str], targets: Rows, options: FinetuneOptions) -> HeldOut:
    """What linear models say of the same texts as the members, in the same order."""
    parts = []
    for number, fold in enumerate(deal_folds(targets, options.folds, seed=options.seed), start=1):
        inside = np.setdiff1d(np.arange(len(read)), fold)
        linear = _fit_linear([read[row] for row in inside], targets[inside])

        def score(texts: Sequence[str], linear: LinearModel = linear) -> tuple[Floats, Floats]:
            decisions, shares = linear.decide(texts)
            return decisions, np.array(shares, dtype=np.float64)

        outside = [read[row] for row in fold]
        parts.append(HeldOut.of(score, outside, targets[fold], seed=options.seed + number))
    return HeldOut.joined(parts)


def _fit_linear(texts: Sequence[str], targets: Rows) -> LinearModel:
    return export(fit_pipeline(texts, targets), texts[:_COMPARED])
