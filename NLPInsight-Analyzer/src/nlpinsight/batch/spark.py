"""Predicts the sentiment of chunks of texts on Spark's workers. Needs requirements-spark.txt."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from servicekit.parallel import ParallelFunction
from servicekit.spark.functions import function_on_spark
from servicekit.spark.options import SparkOptions

from nlpinsight.batch.judging import Judge
from nlpinsight.model import Reading, to_sentiments
from nlpinsight.schema import LABELS, Sentiment
from nlpinsight.sealed_model import SealedSentiment

_TEXTS: Final = pa.schema([("text", pa.string())])
# The scores, and the fields of `Reading`.
_READING: Final = {
    "unit": pa.string(),
    "used": pa.int64(),
    "total": pa.int64(),
    "in_vocabulary": pa.float64(),
}
_ANSWERS: Final = pa.schema([*((label, pa.float64()) for label in LABELS), *_READING.items()])


@dataclass(frozen=True)
class JudgeTexts:
    """What a worker calls: from texts to the scores of each, and how much of it was read.

    Attributes:
        model: The sealed model.
    """

    model: SealedSentiment

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Answer the texts of a batch.

        Raises:
            SealedModelError: The model is refused in this process.
        """
        scores, readings = self.model.predictor().answer(batch["text"].to_pylist())
        columns = [*map(pa.array, scores.T.copy())]
        columns += [
            pa.array([getattr(one, name) for one in readings], kind)
            for name, kind in _READING.items()
        ]
        return pa.RecordBatch.from_arrays(columns, schema=_ANSWERS)


@contextmanager
def on_spark(model: SealedSentiment, options: SparkOptions) -> Iterator[Judge]:
    """A judge on Spark's workers, each of which opens the model once.

    Raises:
        DataError: Spark does not start.
    """
    with function_on_spark("nlpinsight", options, JudgeTexts(model), _ANSWERS) as jobs:

        def judge(texts: list[str]) -> list[Sentiment]:
            found = jobs.call(pa.table([texts], schema=_TEXTS))
            scores = np.column_stack([found[label].to_numpy() for label in LABELS])
            readings = [Reading(**row) for row in found.select(list(_READING)).to_pylist()]
            return to_sentiments(scores.tolist(), readings)

        yield ParallelFunction(judge, jobs.threads, jobs.interrupt)
