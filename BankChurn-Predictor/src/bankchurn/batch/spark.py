"""Scores validated rows on Spark's workers. Needs requirements-spark.txt."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pandas as pd
import pyarrow as pa
from servicekit.parallel import ParallelFunction
from servicekit.spark.functions import function_on_spark
from servicekit.spark.options import SparkOptions

from bankchurn.batch.scoring import ADDED, Scorer, score_rows
from bankchurn.model.sealed_model import SealedChurn
from bankchurn.schema import FEATURES, NUMBERS

# As `bankchurn.data.columns` gives them: numbers that may be unknown, and fractions, are floats.
_ROWS: Final = pa.schema(
    [
        (
            name,
            pa.string()
            if name not in NUMBERS
            else pa.int64()
            if NUMBERS[name].whole and not NUMBERS[name].nullable
            else pa.float64(),
        )
        for name in FEATURES
    ]
)
_ANSWERS: Final = pa.schema(
    list(zip(ADDED, (pa.float64(), pa.int64(), pa.string(), pa.string()), strict=True))
)


@dataclass(frozen=True)
class ScoreCustomers:
    """What a worker calls: from rows of customers to the columns `ADDED`.

    Attributes:
        model: The sealed model.
    """

    model: SealedChurn

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Score the rows of a batch.

        Raises:
            SealedModelError: The model is refused in this process.
        """
        scored = score_rows(self.model.predictor(), batch.to_pandas())
        return pa.RecordBatch.from_pandas(scored, schema=_ANSWERS, preserve_index=False)


@contextmanager
def on_spark(model: SealedChurn, options: SparkOptions) -> Iterator[Scorer]:
    """A scorer on Spark's workers, each of which opens the model once.

    Raises:
        DataError: Spark does not start.
    """
    with function_on_spark("bankchurn", options, ScoreCustomers(model), _ANSWERS) as jobs:

        def score(rows: pd.DataFrame) -> pd.DataFrame:
            table = pa.Table.from_pandas(rows[list(FEATURES)], schema=_ROWS, preserve_index=False)
            scored: pd.DataFrame = jobs.call(table).to_pandas().set_axis(rows.index)
            return scored

        yield ParallelFunction(score, jobs.threads, jobs.interrupt)
