"""What is measured and said of a model on one table: at the end of a training, and later."""

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

__all__ = [
    "count_unknown",
    "describe",
    "digest_table",
    "evaluate_pipeline",
    "evaluate_sealed",
    "tell_unknown",
]


def evaluate_sealed(
    predictor: ChurnPredictor, manifest: Manifest, table: pd.DataFrame, *, source: str
) -> TrainingReport:
    """Measure a sealed model on a table whose outcomes are known.

    Args:
        predictor: The model.
        manifest: Its manifest, which records the rows that it was trained on.
        table: A validated table with its target.
        source: Where the table came from, for the record.
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
            else "The model does not record the rows that it was trained on; whether these "
            "customers are among them is unknown.",
            *_outside(predictor, table),
            *tell_unknown(count_unknown(table)),
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
    """What a table is, for the record: where from, how large, and its fingerprint."""
    return {
        "source": source,
        "rows": len(table),
        "base_rate": float(table[TARGET].mean()),
        "unknown": {**count_unknown(table)},
        "sha256": fingerprint(table[[*FEATURES, TARGET]]),
    }


def count_unknown(table: pd.DataFrame) -> dict[str, int]:
    """How many values of a validated table are unknown, for each column that may have such."""
    return {name: int(table[name].isna().sum()) for name in NUMBERS if NUMBERS[name].nullable}


def tell_unknown(unknown: Mapping[str, int]) -> list[str]:
    """What is put in place of unknown values, in a sentence for each column that has some."""
    return [
        f"{name} is unknown for {count:,} customers: the training median takes its place."
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


def _outside(predictor: ChurnPredictor, table: pd.DataFrame) -> list[str]:
    """How many customers lie outside of the training data, where any do."""
    _, warnings = predictor.score_table(table)
    if not warnings:
        return []
    fields = sorted({warning.field for of_row in warnings.values() for warning in of_row})
    notice = (
        f"{len(warnings):,} of the {len(table):,} customers lie outside of the data that the model "
        f"was trained on, by {', '.join(fields)}."
    )
    return [notice]
