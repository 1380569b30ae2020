"""Evaluates a model on a table, and writes ``evaluation.json``.

The classes here document that file (format 1).
"""

from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from modelseal import Manifest
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from servicekit.files import check_writable, make_folder, write_file
from servicekit.training_rows import ROW_SKETCH, RowSketch, digest_rows
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from {{ package }}.arrays import Float64Array, Int64Array
from {{ package }}.data import Table
from {{ package }}.model import Predictor

_FILE: Final = "evaluation.json"

Rate = Annotated[float, Field(ge=0, le=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Metrics(_Record):
    """Metrics of a set of records. A rate with an empty denominator is null.

    Attributes:
        rows: Number of records.
        base_rate: Share whose target is 1.
        auc: Area under the ROC curve.
        log_loss: Mean negative log-likelihood, in nats.
        brier: Mean squared error of the probability.
        selection_rate: Share that is predicted as 1.
        precision: Share of those predicted as 1 whose target is 1.
        recall: Share of those whose target is 1 that is predicted as 1.
    """

    rows: int
    base_rate: Rate
    auc: Rate | None
    log_loss: float
    brier: float
    selection_rate: Rate
    precision: Rate | None
    recall: Rate | None


class Report(_Record):
    """``evaluation.json``, written by `train` and `evaluate`.

    Attributes:
        format: Version of this format.
        model_version: Version of the evaluated model.
        data: The evaluated data: source, rows, SHA-256.
        threshold: The decision threshold.
        metrics: Metrics of the hold-out set of a training, or of the given table.
        training_overlap: How many of the evaluated rows are training rows.
        notices: What readers of the metrics must know.
    """

    format: Literal[1] = 1
    model_version: str
    data: dict[str, JsonValue]
    threshold: Rate
    metrics: Metrics
    training_overlap: dict[str, JsonValue]
    notices: list[str]


def measure(target: Int64Array, probability: Float64Array, threshold: float) -> Metrics:
    """Compute the metrics of a set of records."""
    positive, selected = target == 1, probability >= threshold
    hits = np.count_nonzero(positive & selected)
    both = bool(positive.any() and not positive.all())
    return Metrics(
        rows=len(target),
        base_rate=float(positive.mean()),
        auc=float(roc_auc_score(target, probability)) if both else None,
        log_loss=float(log_loss(target, probability, labels=[0, 1])),
        brier=float(brier_score_loss(target, probability)),
        selection_rate=float(selected.mean()),
        precision=hits / np.count_nonzero(selected) if selected.any() else None,
        recall=hits / np.count_nonzero(positive) if positive.any() else None,
    )


def make_report(
    predictor: Predictor,
    table: Table,
    *,
    rows: RowSketch,
    model_version: str,
    data: dict[str, JsonValue],
) -> Report:
    """Evaluate a model on a table whose targets are known.

    Args:
        predictor: The model.
        table: The rows to evaluate.
        rows: Sketch of its training rows.
        model_version: Version of the model.
        data: Origin of the table, for the report.
    """
    overlap = rows.overlap(digest_rows(table.texts()))
    profile, threshold = predictor.fitted.profile, predictor.fitted.threshold
    outside = profile.find_warnings(table.values)
    fields = sorted({warning.field for of_row in outside.values() for warning in of_row})
    notices = [overlap.sentence("records"), *profile.notices()]
    if outside:
        notices.append(
            f"{len(outside):,} of the {len(table.target):,} records lie outside the training data, "
            f"by {', '.join(fields)}."
        )
    return Report(
        model_version=model_version,
        data=data,
        threshold=threshold,
        metrics=measure(table.target, predictor.probabilities(table.values), threshold),
        training_overlap=overlap.to_json(),
        notices=notices,
    )


def evaluate_sealed(
    predictor: Predictor, manifest: Manifest, table: Table, *, source: str
) -> Report:
    """Evaluate a sealed model on a table whose targets are known.

    Args:
        predictor: The model.
        manifest: Its manifest, which records digests of the training rows.
        table: The rows to evaluate.
        source: Origin of the table, for the report.

    Raises:
        TypeError: The manifest has no digests of the training rows.
    """
    sketch = manifest.data.get(ROW_SKETCH)
    if not isinstance(sketch, dict):
        raise TypeError(f"The manifest of {manifest.name} has no {ROW_SKETCH}.")
    return make_report(
        predictor,
        table,
        rows=RowSketch.from_json(sketch),
        model_version=manifest.version,
        data=describe(table, source),
    )


def describe(table: Table, source: str) -> dict[str, JsonValue]:
    """Source, size and fingerprint of a table, for the report."""
    return {"source": source, "rows": len(table.target), "sha256": table.fingerprint()}


def check_folder(folder: Path) -> None:
    """Check that a report can be written into a folder, before the work.

    Raises:
        DataError: It cannot be written.
    """
    make_folder(folder)
    check_writable(folder / _FILE)


def write_report(report: Report, folder: Path) -> Path:
    """Write ``evaluation.json`` into a folder, completely or not at all.

    Raises:
        DataError: It cannot be written.
    """
    make_folder(folder)
    write_file(folder / _FILE, (report.model_dump_json(indent=2) + "\n").encode())
    return folder / _FILE
