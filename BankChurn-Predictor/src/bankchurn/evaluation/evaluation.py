"""Evaluates a model on a table: at the end of a training, and later."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from modelseal import Manifest
from pydantic import JsonValue
from servicekit.training_rows import ROW_SKETCH, Overlap, RowSketch, digest_rows

from bankchurn.data.table import canonical_rows, fingerprint
from bankchurn.evaluation.metrics import Evaluation, TrainingReport, evaluate
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.model.stack import probabilities
from bankchurn.schema import FEATURES, NUMBERS, TARGET


def evaluate_sealed(
    predictor: ChurnPredictor, manifest: Manifest, table: pd.DataFrame, *, source: str
) -> TrainingReport:
    """Measure a sealed model on a table whose outcomes are known.

    Args:
        predictor: The model.
        manifest: Its manifest, which records digests of the training rows.
        table: A validated table with its target.
        source: Origin of the table, for the report.
    """
    overlap = _overlap(manifest, table)
    return TrainingReport(
        model_version=manifest.version,
        data=describe(table, source),
        threshold=predictor.decision.threshold,
        threshold_criterion=predictor.decision.criterion,
        cross_validation=None,
        evaluation=evaluate_pipeline(predictor, table),
        training_overlap=overlap.to_json() if overlap else None,
        training_profile=predictor.profile,
        notices=[
            overlap.sentence("customers")
            if overlap
            else "The model does not record its training rows; whether it was trained on these "
            "customers is unknown.",
            *_outside_notice(predictor, table),
            *unknown_notices(count_unknown(table)),
        ],
    )


def evaluate_pipeline(predictor: ChurnPredictor, table: pd.DataFrame) -> Evaluation:
    """Measure a model on a validated table with its target."""
    return evaluate(
        table,
        table[TARGET].to_numpy(dtype=np.int64),
        probabilities(predictor.pipeline, table),
        predictor.decision.threshold,
    )


def describe(table: pd.DataFrame, source: str) -> dict[str, JsonValue]:
    """Source, size and fingerprint of a table, for the report."""
    return {
        "source": source,
        "rows": len(table),
        "base_rate": float(table[TARGET].mean()),
        "unknown": {**count_unknown(table)},
        "sha256": fingerprint(table[[*FEATURES, TARGET]]),
    }


def count_unknown(table: pd.DataFrame) -> dict[str, int]:
    """Number of unknown values of a validated table, for each column that may have them."""
    return {name: int(table[name].isna().sum()) for name in NUMBERS if NUMBERS[name].nullable}


def unknown_notices(unknown: Mapping[str, int]) -> list[str]:
    """A sentence for each column with unknown values: how many, and what replaces them."""
    return [
        f"{name} is unknown for {count:,} customers: the training median is used."
        for name, count in unknown.items()
        if count
    ]


def digest_table(table: pd.DataFrame) -> list[int]:
    """The 64-bit digest of each row of a validated table with its target."""
    return digest_rows(canonical_rows(table[[*FEATURES, TARGET]]))


def _overlap(manifest: Manifest, table: pd.DataFrame) -> Overlap | None:
    sketch = manifest.data.get(ROW_SKETCH)
    if not isinstance(sketch, dict):
        return None
    return RowSketch.from_json(sketch).overlap(digest_table(table))


def _outside_notice(predictor: ChurnPredictor, table: pd.DataFrame) -> list[str]:
    """A notice of how many customers lie outside the training data; empty if none do."""
    _, warnings = predictor.score_table(table)
    if not warnings:
        return []
    fields = sorted({warning.field for of_row in warnings.values() for warning in of_row})
    return [
        (
            f"{len(warnings):,} of the {len(table):,} customers lie outside the training data, by "
            f"{', '.join(fields)}."
        )
    ]
