"""How good the probabilities are: metrics, curves, groups, and the decision threshold.

The classes here are the documented form of ``evaluation.json`` (format 1).
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve

from bankchurn.model.predictor import Decision
from bankchurn.model.training_profile import TrainingProfile
from bankchurn.schema import CATEGORIES, NUMBERS

__all__ = [
    "Calibration",
    "Evaluation",
    "Group",
    "LearnerScore",
    "Metrics",
    "Roc",
    "Spread",
    "TrainingReport",
    "choose_threshold",
    "evaluate",
    "measure",
]

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

# The least and greatest age of each band.
AGE_BANDS: Final = ((18, 29), (30, 39), (40, 49), (50, 59), (60, 100))
ROC_POINTS: Final = 200
CALIBRATION_BINS: Final = 10

Rate = Annotated[float, Field(ge=0, le=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Metrics(_Record):
    """Figures of one set of customers. A rate with nothing to count is null.

    Attributes:
        customers: How many there are.
        base_rate: The share that left.
        auc: Area under the ROC curve.
        log_loss: Mean negative log-likelihood, in nats.
        brier: Mean squared error of the probability.
        mean_probability: The mean prediction; calibrated, it equals the base rate.
        selection_rate: The share at or above the threshold.
        true_positive_rate: The share of those who left that the threshold catches (recall).
        false_positive_rate: The share of those who stayed that it catches as well.
        precision: The share of the caught that left.
        f1: Harmonic mean of precision and recall.
    """

    customers: int
    base_rate: Rate
    auc: Rate | None
    log_loss: float
    brier: float
    mean_probability: Rate
    selection_rate: Rate
    true_positive_rate: Rate | None
    false_positive_rate: Rate | None
    precision: Rate | None
    f1: Rate


class Group(_Record):
    """The metrics of one group of customers: those of one level of a category, or of one age band.

    Attributes:
        attribute: The column.
        value: The level, or the least and greatest age.
        metrics: The group's figures.
    """

    attribute: str
    value: str
    metrics: Metrics


class Roc(_Record):
    """The ROC curve, thinned to some 200 points."""

    false_positive_rate: list[float]
    true_positive_rate: list[float]


class Calibration(_Record):
    """Tenths of the customers by predicted probability: predicted mean, observed share, count."""

    predicted: list[float]
    observed: list[float]
    customers: list[int]


class Evaluation(_Record):
    """Everything measured on one set of customers."""

    metrics: Metrics
    groups: list[Group]
    roc: Roc
    calibration: Calibration


class Spread(_Record):
    """A figure over the folds of a cross-validation."""

    mean: float
    standard_deviation: float
    folds: list[float]

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Mean and sample standard deviation."""
        return cls(
            mean=float(np.mean(values)),
            standard_deviation=float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
            folds=values,
        )


class LearnerScore(_Record):
    """AUC and log loss of the stack, or of one of its base learners on its own."""

    auc: Spread
    log_loss: Spread


class TrainingReport(_Record):
    """``evaluation.json``: what `train` or `evaluate` found.

    Attributes:
        format: The version of this form.
        model_version: The model that was evaluated.
        data: What it was evaluated on, with fingerprints.
        threshold: The decision threshold.
        threshold_criterion: How it was chosen.
        cross_validation: By learner; null where a finished model was only evaluated.
        evaluation: The hold-out of a training, or the given table.
        training_overlap: How many rows of that are among the rows that the model was fitted on;
            null where the model does not record its rows.
        training_profile: What the model was fitted on; null where the model does not record it.
        notices: What a reader of the figures must know.
    """

    format: Literal[1] = 1
    model_version: str
    data: dict[str, JsonValue]
    threshold: Rate
    threshold_criterion: str
    cross_validation: dict[str, LearnerScore] | None
    evaluation: Evaluation
    training_overlap: dict[str, JsonValue] | None
    training_profile: TrainingProfile | None
    notices: list[str]


def measure(target: Labels, probability: Floats, threshold: float) -> Metrics:
    """The metrics of a set of customers."""
    left = target == 1
    caught = probability >= threshold
    hits = int(np.count_nonzero(caught & left))
    both_kinds = bool(left.any() and not left.all())
    return Metrics(
        customers=len(target),
        base_rate=float(left.mean()),
        auc=float(roc_auc_score(target, probability)) if both_kinds else None,
        log_loss=float(log_loss(target, probability, labels=[0, 1])),
        brier=float(brier_score_loss(target, probability)),
        mean_probability=float(probability.mean()),
        selection_rate=float(caught.mean()),
        true_positive_rate=_share(hits, np.count_nonzero(left)),
        false_positive_rate=_share(np.count_nonzero(caught & ~left), np.count_nonzero(~left)),
        precision=_share(hits, np.count_nonzero(caught)),
        f1=_share(2 * hits, np.count_nonzero(caught) + np.count_nonzero(left)) or 0.0,
    )


def evaluate(
    table: pd.DataFrame, target: Labels, probability: Floats, threshold: float
) -> Evaluation:
    """Everything about one set of customers: metrics, groups, and the curves' data."""
    return Evaluation(
        metrics=measure(target, probability, threshold),
        groups=[
            Group(
                attribute=attribute,
                value=value,
                metrics=measure(target[members], probability[members], threshold),
            )
            for attribute, value, members in _groups(table)
            if members.any()
        ],
        roc=_roc(target, probability),
        calibration=_calibration(target, probability),
    )


def choose_threshold(target: Labels, probability: Floats) -> Decision:
    """The threshold with the greatest F1 on out-of-fold predictions.

    F1 weighs a customer missed like a customer bothered for nothing. The threshold lies half-way
    between the two neighbouring probabilities that it separates; of equal ones, the lowest.
    """
    order = np.argsort(-probability, kind="stable")
    ranked, hits = probability[order], np.cumsum(target[order], dtype=np.float64)
    f1 = 2.0 * hits / (np.arange(1, len(ranked) + 1, dtype=np.float64) + hits[-1])
    # A threshold cannot pass between equal probabilities.
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0
    last = len(f1) - 1 - int(np.argmax(f1[::-1]))
    below = float(ranked[last + 1]) if last + 1 < len(ranked) else 0.0
    return Decision(
        threshold=(float(ranked[last]) + below) / 2.0,
        criterion="greatest F1 on out-of-fold predictions of the training part",
    )


def _share(part: int | np.intp, whole: int | np.intp) -> float | None:
    return float(part) / float(whole) if whole else None


def _groups(table: pd.DataFrame) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
    for attribute in sorted(CATEGORIES):
        values = table[attribute].to_numpy(dtype=object)
        for value in sorted(set(values)):
            yield attribute, str(value), values == value
    if "Age" in NUMBERS:
        ages = table["Age"].to_numpy(dtype=np.float64)
        for low, high in AGE_BANDS:
            yield "Age", f"{low}-{high}", (ages >= low) & (ages <= high)


def _roc(target: Labels, probability: Floats) -> Roc:
    if target.min() == target.max():
        return Roc(false_positive_rate=[], true_positive_rate=[])
    false_positive, true_positive, _ = roc_curve(target, probability)
    chosen = np.unique(np.linspace(0, len(false_positive) - 1, ROC_POINTS).astype(np.int64))
    return Roc(
        false_positive_rate=false_positive[chosen].tolist(),
        true_positive_rate=true_positive[chosen].tolist(),
    )


def _calibration(target: Labels, probability: Floats) -> Calibration:
    bins = [
        part
        for part in np.array_split(np.argsort(probability, kind="stable"), CALIBRATION_BINS)
        if len(part)
    ]
    return Calibration(
        predicted=[float(probability[part].mean()) for part in bins],
        observed=[float(target[part].mean()) for part in bins],
        customers=[len(part) for part in bins],
    )
