"""Metrics of predictions: accuracy, F1, log loss, confusion."""

import numpy as np

from nlpinsight.arrays import Float64Array, Int64Array
from nlpinsight.evaluation.reliability import Rate, Record, log_loss
from nlpinsight.schema import LABELS, Label


class LabelMetrics(Record):
    """Metrics of one label. A rate with an empty denominator is null.

    Attributes:
        texts: Number of texts with the label.
        precision: Share of the predictions of the label that are correct.
        recall: Share of the texts with the label that are predicted correctly.
        f1: Harmonic mean of the two.
    """

    texts: int
    precision: Rate | None
    recall: Rate | None
    f1: Rate | None


class Metrics(Record):
    """Metrics of a set of texts.

    Attributes:
        texts: Number of texts.
        accuracy: Share of correct predictions.
        macro_f1: Mean F1 of the labels that occur in truth or predictions.
        log_loss: Mean negative log-likelihood, in nats.
        majority: Share of the most frequent label: the accuracy of always predicting it.
        labels: Metrics of each label.
        confusion: Texts by true label (rows) and predicted label (columns), in the order of
            `LABELS`.
    """

    texts: int
    accuracy: Rate
    macro_f1: Rate
    log_loss: float
    majority: Rate
    labels: dict[Label, LabelMetrics]
    confusion: list[list[int]]


def measure(targets: Int64Array, scores: Float64Array) -> Metrics:
    """Compute the metrics of predictions.

    Args:
        targets: Index of each text's label in `LABELS`; at least one.
        scores: Probabilities: texts x labels.
    """
    answers = scores.argmax(axis=1)
    confusion = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    np.add.at(confusion, (targets, answers), 1)
    labels = {label: _label(confusion, place) for place, label in enumerate(LABELS)}
    f1 = [one.f1 for one in labels.values() if one.f1 is not None]
    return Metrics(
        texts=len(targets),
        accuracy=float((answers == targets).mean()),
        macro_f1=sum(f1) / len(f1),
        log_loss=log_loss(targets, scores),
        majority=float(np.bincount(targets).max() / len(targets)),
        labels=labels,
        confusion=confusion.tolist(),
    )


def _label(confusion: Int64Array, place: int) -> LabelMetrics:
    hits = int(confusion[place, place])
    have, got = int(confusion[place].sum()), int(confusion[:, place].sum())
    return LabelMetrics(
        texts=have,
        precision=hits / got if got else None,
        recall=hits / have if have else None,
        f1=2 * hits / (have + got) if have + got else None,
    )
