"""Scores validated rows of a table, on all cores of this machine."""

import os
from typing import Final

import numpy as np
import pandas as pd
from servicekit.answer_warnings import WARNINGS, as_cell
from servicekit.parallel import ParallelFunction

from bankchurn.model.predictor import ChurnPredictor
from bankchurn.responses import risk_level

ADDED: Final = ("churn_probability", "churn_prediction", "risk_level", WARNINGS)
"""The columns that a prediction adds, in this order."""

Scorer = ParallelFunction[pd.DataFrame, pd.DataFrame]
"""From validated rows to the columns `ADDED` of each, with the same index."""


def on_all_cores(predictor: ChurnPredictor) -> Scorer:
    """A scorer in threads: the libraries release Python's lock while they score."""
    return ParallelFunction(lambda rows: score_rows(predictor, rows), os.cpu_count() or 1)


def score_rows(predictor: ChurnPredictor, rows: pd.DataFrame) -> pd.DataFrame:
    """The columns `ADDED` of validated rows. A row's answer does not depend on the others."""
    probability, warnings = predictor.score_table(rows)
    cells = np.full(len(rows), "", dtype=object)
    for row, of_row in warnings.items():
        cells[row] = as_cell(of_row)
    scored = {
        "churn_probability": probability,
        "churn_prediction": (probability >= predictor.decision.threshold).astype(np.int64),
        "risk_level": np.array([risk_level(value) for value in probability.tolist()], dtype=object),
        WARNINGS: cells,
    }
    return pd.DataFrame(scored, index=rows.index)[list(ADDED)]
