"""Score a file of customers into another file, in bounded memory, all or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from servicekit.rows import Problems

from bankchurn.data import check_columns, find_problems
from bankchurn.model import ChurnPredictor
from bankchurn.schema import FEATURES, IDENTIFIERS, TARGET, risk_level
from bankchurn.stack import probabilities
from bankchurn.tables import DataError, TableWriter, is_csv, read_chunks

__all__ = ["BatchSummary", "predict_file"]


@dataclass(frozen=True)
class BatchSummary:
    """What was scored: how many customers, and how many of them are predicted to leave."""

    customers: int
    predicted_churn: int


def predict_file(
    predictor: ChurnPredictor,
    source: Path,
    destination: Path,
    *,
    progress: Callable[[int], None] = lambda _rows: None,
) -> BatchSummary:
    """Score every customer of a file.

    The output has the input's columns, with ``churn_probability``, ``churn_prediction`` and
    ``risk_level`` behind them, in the order of the rows. From CSV to CSV, the input's fields are
    written as they stood.

    Args:
        predictor: An opened model.
        source: A CSV or Parquet file of customers, with or without the target.
        destination: The file to write; its name says CSV or Parquet. It appears, or is
            replaced, only when every row was scored.
        progress: Told how many rows more were read.

    Raises:
        DataError: The input does not fit, or the output cannot be written. All bad rows are
            counted; nothing was written.
    """
    if destination.exists() and source.exists() and source.samefile(destination):
        raise DataError(f"{destination} is the input itself. Give another file for the output.")
    verbatim = is_csv(destination) and is_csv(source)
    problems = Problems()
    customers = predicted = 0
    with TableWriter(destination) as writer:
        for raw in read_chunks(source):
            if not customers:
                check_columns(raw.columns.tolist(), source=source, need_target=False)
            customers += len(raw)
            table, found = find_problems(raw)
            problems.add(found)
            if not problems:
                scored = _score(predictor, raw if verbatim else _restore(raw, table), table)
                predicted += int(scored["churn_prediction"].sum())
                writer.write(scored)
            progress(len(raw))
        if problems:
            raise problems.refusal(source)
    return BatchSummary(customers, predicted)


def _restore(raw: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The input's columns in its order, the validated ones in their canonical dtypes.

    Identifiers keep the dtype that they were stored in: an identifier is not a number.
    """
    kept = [name for name in raw.columns if name in {*FEATURES, *IDENTIFIERS, TARGET}]
    return pd.DataFrame({name: table[name] if name in table else raw[name] for name in kept})


def _score(predictor: ChurnPredictor, kept: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    probability = probabilities(predictor.pipeline, table)
    return kept.assign(
        churn_probability=probability,
        churn_prediction=(probability >= predictor.decision.threshold).astype(np.int64),
        risk_level=np.array([risk_level(value) for value in probability.tolist()], dtype=object),
    )
