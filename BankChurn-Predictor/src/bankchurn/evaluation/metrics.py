"""Metrics of predicted probabilities: figures, curves and groups.

The classes here document ``evaluation.json`` (format 1).
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Annotated, Final, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve

from bankchurn.arrays import BoolArray, Float64Array, Int64Array
from bankchurn.model.training_profile import TrainingProfile
from bankchurn.schema import CATEGORIES, NUMBERS

ROC_POINTS: Final = 200
CALIBRATION_BINS: Final = 10

Rate = Annotated[float, Field(ge=0, le=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Metrics(_Record):
    """Metrics of a set of customers. A rate with an empty denominator is null.

    Attributes:
        customers: Number of customers.
        base_rate: Share that left.
        auc: Area under the ROC curve.
        log_loss: Mean negative log-likelihood, in nats.
        brier: Mean squared error of the probability.
        mean_probability: Mean prediction; equals the base rate if calibrated.
        selection_rate: Share at or above the threshold (selected).
        true_positive_rate: Share of those who left that is selected (recall).
        false_positive_rate: Share of those who stayed that is selected.
        precision: Share of the selected that left.
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
    """Metrics of one group of customers: one level of a category, or one range of a number.

    Attributes:
        attribute: Column.
        value: Level, or minimum and maximum.
        metrics: Metrics of the group.
    """

    attribute: str
    value: str
    metrics: Metrics


class Roc(_Record):
    """The ROC curve, thinned to about 200 points."""

    false_positive_rate: list[float]
    true_positive_rate: list[float]


class Calibration(_Record):
    """Tenths of the customers by predicted probability: mean prediction, observed share, count."""

    predicted: list[float]
    observed: list[float]
    customers: list[int]


class Evaluation(_Record):
    """All metrics of a set of customers."""

    metrics: Metrics
    groups: list[Group]
    roc: Roc
    calibration: Calibration


class Spread(_Record):
    """A metric over the folds of a cross-validation."""

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
    """AUC and log loss of the stack, or of one of its base learners alone."""

    auc: Spread
    log_loss: Spread


class TrainingReport(_Record):
    """``evaluation.json``, written by `train` and `evaluate`.

    Attributes:
        format: Version of this format.
        model_version: Version of the evaluated model.
        data: The evaluated data, with fingerprints.
        threshold: The decision threshold.
        threshold_criterion: How the threshold was chosen.
        cross_validation: Scores by learner; null if a sealed model was evaluated.
        evaluation: Metrics of the hold-out set of a training, or of the given table.
        training_overlap: How many of the evaluated rows are training rows; null if the model does
            not record its rows.
        training_profile: Profile of the training data; null if the model does not record it.
        notices: What readers of the metrics must know.
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


def measure(target: Int64Array, probability: Float64Array, threshold: float) -> Metrics:
    """Compute the metrics of a set of customers."""
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
    table: pd.DataFrame, target: Int64Array, probability: Float64Array, threshold: float
) -> Evaluation:
    """Compute the metrics of a set of customers and its groups, and the data of the curves."""
    return Evaluation(
        metrics=measure(target, probability, threshold),
        groups=[
            Group(
                attribute=attribute,
                value=value,
                metrics=measure(target[members], probability[members], threshold),
            )
            for attribute, value, members in groups_of(table)
            if members.any()
        ],
        roc=_roc(target, probability),
        calibration=_calibration(target, probability),
    )


def _share(part: int | np.intp, whole: int | np.intp) -> float | None:
    return float(part) / float(whole) if whole else None


def groups_of(table: pd.DataFrame) -> Iterator[tuple[str, str, BoolArray]]:
    """The groups of a validated table: column, level or range, and whether each row belongs."""
    for attribute in sorted(CATEGORIES):
        values = table[attribute].to_numpy(dtype=object)
        for value in sorted(set(values)):
            yield attribute, str(value), values == value
    for attribute, bounds in NUMBERS.items():
        numbers = table[attribute].to_numpy(dtype=np.float64, na_value=np.nan)
        starts = (bounds.low, *bounds.groups) if bounds.groups else ()
        for low, end in zip_longest(starts, bounds.groups):
            high = bounds.high if end is None else end - 1 if bounds.whole else end
            members = (numbers >= low) & (numbers < (np.inf if end is None else end))
            yield attribute, f"{low:.10g}-{high:.10g}", members


def _roc(target: Int64Array, probability: Float64Array) -> Roc:
    if target.min() == target.max():
        return Roc(false_positive_rate=[], true_positive_rate=[])
    false_positive, true_positive, _ = roc_curve(target, probability)
    chosen = np.unique(np.linspace(0, len(false_positive) - 1, ROC_POINTS).astype(np.int64))
    return Roc(
        false_positive_rate=false_positive[chosen].tolist(),
        true_positive_rate=true_positive[chosen].tolist(),
    )


def _calibration(target: Int64Array, probability: Float64Array) -> Calibration:
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
