"""Functions from Arrow batch to Arrow batch that Spark's workers call with a sealed model."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from servicekit.model_reference import ModelReference
from servicekit.parallel import ParallelFunction
from servicekit.spark.errors import worker_refusals
from servicekit.spark.options import SparkOptions
from servicekit.spark.session import spark_errors, spark_session

_SETTINGS: Final = {
    # The rows of a call are one task: an engine for many machines has many calls at a time.
    "spark.sql.leafNodeDefaultParallelism": "1",
}


class ModelFunction(Protocol):
    """A function of a sealed model, which must be importable where workers run.

    Attributes:
        model: The model, which each worker opens once.
    """

    @property
    def model(self) -> ModelReference[Any]:
        """The sealed model."""
        ...

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Answer every row of a batch, in order."""
        ...


@contextmanager
def function_on_spark(
    app: str, options: SparkOptions, function: ModelFunction, schema: pa.Schema
) -> Iterator[ParallelFunction[pa.Table, pa.Table]]:
    """A function that Spark's workers call, one task for each call.

    The rows travel with the task, so that the workers need no input and output folder. A task that
    fails is run again, on another worker where there is one (``spark.task.maxFailures``).

    Args:
        app: Name of the application.
        options: The Spark to use.
        function: The function. Spark sends it to the workers by name, with its attributes.
        schema: Schema of the function's results.

    Yields:
        From a table to the table of its results. A call raises a SealedModelError if a worker
        refuses the model, and a DataError if a worker or Spark fails. As many calls as the cluster
        has cores run at a time (``spark.default.parallelism``).

    Raises:
        DataError: Spark does not start.
    """
    with spark_session(app, options, _SETTINGS) as session:
        with spark_errors():
            # The number of cores is known once executors have registered.
            session.range(1).count()
            cores = session.sparkContext.defaultParallelism
        jobs = _Jobs(session, function, schema)
        yield ParallelFunction(jobs.run, cores, jobs.cancel)


def map_in_arrow(
    frame: DataFrame, function: Callable[[pa.RecordBatch], pa.RecordBatch], schema: pa.Schema
) -> DataFrame:
    """A function's results of every batch of a data frame, in its order.

    Args:
        frame: The data frame.
        function: From a batch to a batch of the schema, importable where workers run.
        schema: Schema of the results.
    """

    def over(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield function(batch)

    return frame.mapInArrow(over, from_arrow_schema(schema, prefer_timestamp_ntz=True))


class _Jobs:
    def __init__(self, session: SparkSession, function: ModelFunction, schema: pa.Schema) -> None:
        self._session = session
        self._function = function
        self._schema = schema
        self._tag = uuid.uuid4().hex

    def run(self, rows: pa.Table) -> pa.Table:
        self._session.sparkContext.addJobTag(self._tag)
        with worker_refusals(self._function.model.folder), spark_errors():
            frame = self._session.createDataFrame(rows)
            return map_in_arrow(frame, self._function, self._schema).toArrow()

    def cancel(self) -> None:
        self._session.sparkContext.cancelJobsWithTag(self._tag)
