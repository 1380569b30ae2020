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

_ANSWERS: Final = pa.schema(
    list(zip(ADDED, (pa.float64(), pa.int64(), pa.string(), pa.string()), strict=True))
)


def _rows_schema() -> pa.Schema:
    """The features as `bankchurn.data.columns` gives them."""
    kinds = {}
    for name in FEATURES:
        bounds = NUMBERS.get(name)
        if bounds is None:
            kinds[name] = pa.string()
        else:
            # Fractions, and numbers that may be unknown, are floats.
            kinds[name] = pa.int64() if bounds.whole and not bounds.nullable else pa.float64()
    return pa.schema(kinds)


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
    rows_schema = _rows_schema()
    with function_on_spark("bankchurn", options, ScoreCustomers(model), _ANSWERS) as jobs:

        def score(rows: pd.DataFrame) -> pd.DataFrame:
            table = pa.Table.from_pandas(
                rows[list(FEATURES)], schema=rows_schema, preserve_index=False
            )
            scored: pd.DataFrame = jobs.call(table).to_pandas().set_axis(rows.index)
            return scored

        yield ParallelFunction(score, jobs.threads, jobs.interrupt)
