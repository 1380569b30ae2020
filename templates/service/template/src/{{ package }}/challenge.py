"""Splits a table for a challenge, and scores the rows that were held out."""

import numpy as np
from modelseal import Manifest
from servicekit.challenges import ScoredRows, find_trained_on, hold_out, row_names, time_answers
from servicekit.training_rows import digest_rows

from {{ package }}.data import Table
from {{ package }}.features import to_records
from {{ package }}.model import Predictor
from {{ package }}.schema import CATEGORIES


def split_table(table: Table, champion: Manifest) -> tuple[Table, Table]:
    """Split a table into rows to train on, and rows that a model was not trained on.

    Raises:
        DataError: There are no such rows, or the model does not record its training rows.
    """
    held_out = np.array(hold_out(digest_rows(table.texts()), champion))
    return table.only(~held_out), table.only(held_out)


def score_table(
    predictor: Predictor, manifest: Manifest, table: Table
) -> tuple[ScoredRows, list[float]]:
    """Score a table, with one grouping for each category.

    Args:
        predictor: The model.
        manifest: Its manifest, which records digests of the training rows.
        table: The rows to score.

    Returns:
        The scored rows, and the CPU time of the first rows' answers in microseconds.
    """
    digests = digest_rows(table.texts())
    records = to_records(table.values)
    rows = ScoredRows(
        rows=row_names(digests),
        trained_on=find_trained_on(digests, manifest),
        outcomes=table.target.tolist(),
        outputs={"probability": predictor.probabilities(table.values).tolist()},
        groups={name: [getattr(record, name) for record in records] for name in CATEGORIES},
    )

    def answer(row: int) -> None:
        predictor.answer([records[row]], model_version=manifest.version)

    return rows, time_answers(answer, len(records))
