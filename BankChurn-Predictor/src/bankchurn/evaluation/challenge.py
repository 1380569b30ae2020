"""Splits a table for a challenge, and scores the rows that were held out."""

from typing import Any

import numpy as np
import pandas as pd
from modelseal import Manifest
from servicekit.challenges import (
    ScoredRows,
    find_trained_on,
    hold_out,
    row_names,
    time_answers,
)

from bankchurn.evaluation.evaluation import digest_table
from bankchurn.evaluation.metrics import groups_of
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.schema import FEATURES, TARGET, Customer


def split_table(table: pd.DataFrame, champion: Manifest) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a validated table into rows to train on, and rows that a model was not trained on.

    Raises:
        DataError: There are no such rows, or the model does not record its training rows.
    """
    held_out = np.array(hold_out(digest_table(table), champion))
    return table[~held_out], table[held_out]


def score_rows(
    predictor: ChurnPredictor, manifest: Manifest, table: pd.DataFrame
) -> tuple[ScoredRows, list[float]]:
    """Score a validated table with its target.

    Args:
        predictor: The model.
        manifest: Its manifest, which records digests of the training rows.
        table: The table.

    Returns:
        The scored rows, and the CPU time of the first rows' answers in microseconds.
    """
    probability, _ = predictor.score_table(table)
    groups: dict[str, Any] = {}
    for attribute, value, members in groups_of(table):
        groups.setdefault(attribute, np.full(len(table), "", dtype=object))[members] = value
    digests = digest_table(table)
    rows = ScoredRows(
        rows=row_names(digests),
        trained_on=find_trained_on(digests, manifest),
        outcomes=table[TARGET].astype(int).tolist(),
        outputs={"probability": probability.tolist()},
        groups={name: values.tolist() for name, values in groups.items()},
    )
    records = table[list(FEATURES)].astype(object).where(table[list(FEATURES)].notna(), None)
    customers = [Customer.model_validate(one) for one in records.to_dict(orient="records")]

    def answer(row: int) -> None:
        predictor.answer([customers[row]], model_version=manifest.version)

    return rows, time_answers(answer, len(customers))
