"""Score a file of customers into another file, in bounded memory, all or nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from servicekit.answer_warnings import WARNINGS, as_cell
from servicekit.files import NewFile, check_not_input
from servicekit.rows import RowErrors

from bankchurn.answers import risk_level
from bankchurn.data import check_columns, find_problems
from bankchurn.evaluation_report import count_unknown
from bankchurn.file_kinds import input_kind, output_kind
from bankchurn.model import ChurnPredictor
from bankchurn.tables import DataError, TableWriter, read_chunks, read_header

__all__ = ["ADDED", "BatchSummary", "check_output", "predict_file"]

ADDED: Final = ("churn_probability", "churn_prediction", "risk_level", WARNINGS)
"""The columns that a prediction adds, in their order."""


@dataclass(frozen=True)
class BatchSummary:
    """What was scored.

    Attributes:
        customers: How many there are.
        predicted_churn: How many are predicted to leave.
        marked: How many answers are marked.
        warnings: How many answers have each warning, by ``code:field``.
        unknown: How many values were unknown, by column.
    """

    customers: int
    predicted_churn: int
    marked: int
    warnings: Mapping[str, int]
    unknown: Mapping[str, int]


def predict_file(
    predictor: ChurnPredictor,
    source: Path,
    destination: Path,
    *,
    progress: Callable[[int], None] = lambda _rows: None,
) -> BatchSummary:
    """Score every customer of a file.

    The output has all columns of the input and those of `ADDED` behind them, in the order of the
    rows. Columns that are no features, the target among them, are not looked at and kept as they
    are. From CSV to CSV, all of the input's fields are written as they stood.

    Args:
        predictor: An opened model.
        source: A CSV or Parquet file of customers.
        destination: The file to write; its name says CSV or Parquet. It appears, or is
            replaced, only when every row was scored.
        progress: Called with the number of rows that were read.

    Raises:
        DataError: The input does not fit, has a column of `ADDED` already, or the output cannot
            be written. All bad rows are counted; nothing was written.
    """
    check_output(source, destination)
    problems = RowErrors()
    found: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    customers = predicted = marked = 0
    with TableWriter(destination) as writer:
        _check_input(read_header(source), source)
        verbatim = writer.kind == "csv" and input_kind(source) != "parquet"
        for raw in read_chunks(source):
            customers += len(raw)
            table, bad = find_problems(raw, need_target=False)
            problems.add(bad)
            if not problems:
                scored, warnings = _score(predictor, table)
                predicted += int(scored["churn_prediction"].sum())
                marked += len(warnings)
                unknown.update(count_unknown(table))
                found.update(kind for kinds in warnings.values() for kind in kinds)
                kept = raw if verbatim else _typed(raw, table)
                writer.write(pd.concat([kept, scored], axis="columns"))
            progress(len(raw))
        if problems:
            raise problems.refusal(source)
    return BatchSummary(customers, predicted, marked, dict(found.most_common()), dict(unknown))


def check_output(source: Path, destination: Path) -> None:
    """Refuse an output that cannot be written, before a model is loaded for it.

    Raises:
        DataError: It cannot be, is of another kind, or is the input.
    """
    output_kind(destination)
    check_not_input(destination, source)
    NewFile(destination).discard()


def _check_input(columns: list[str], source: Path) -> None:
    check_columns(columns, source=source, need_target=False)
    taken = [name for name in ADDED if name in columns]
    if taken:
        raise DataError(
            f"{source}: the table has {', '.join(taken)} already, which predict writes. Rename or "
            "remove them, or give the file that they were predicted from."
        )


def _typed(raw: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The input's columns in its order, the features in their canonical dtypes.

    The others keep the dtype that they were stored in: an identifier is not a number.
    """
    kept = raw.copy(deep=False)
    for name in table:
        kept[name] = table[name]
    return kept


def _score(
    predictor: ChurnPredictor, table: pd.DataFrame
) -> tuple[pd.DataFrame, Mapping[int, list[str]]]:
    """The columns `ADDED` of validated rows, and the kinds of the warnings of those with any."""
    probability, warnings = predictor.score_table(table)
    cells = np.full(len(table), "", dtype=object)
    for row, of_row in warnings.items():
        cells[row] = as_cell(of_row)
    scored = {
        "churn_probability": probability,
        "churn_prediction": (probability >= predictor.decision.threshold).astype(np.int64),
        "risk_level": np.array([risk_level(value) for value in probability.tolist()], dtype=object),
        WARNINGS: cells,
    }
    kinds = {row: [as_cell([warning]) for warning in of_row] for row, of_row in warnings.items()}
    return pd.DataFrame(scored, index=table.index)[list(ADDED)], kinds
