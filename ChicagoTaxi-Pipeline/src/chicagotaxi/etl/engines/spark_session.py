"""Starts a Spark session, and translates Spark's errors."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import dropwhile, takewhile
from typing import Final

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from servicekit.files import DataError

from chicagotaxi.etl.engines.protocol import WorkerError

_SETTINGS: Final = {
    # Wall-clock times without a zone, in expressions and in files.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Spark has no type for nanoseconds, which pandas writes: they are read as whole numbers.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # A file may have other columns whose names differ from those in use by case only.
    "spark.sql.caseSensitive": "true",
    # A row with a field too many or too few must be found even if that field is not used.
    "spark.sql.csv.parser.columnPruning.enabled": "false",
    # Each layer of the expressions uses those below it several times. These optimizations copy a
    # condition through the layers, so that it grows exponentially.
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.optimizer.excludedRules": ",".join(
        f"org.apache.spark.sql.catalyst.optimizer.{rule}"
        for rule in ("PushDownPredicates", "PushPredicateThroughNonJoin", "CollapseProject")
    ),
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.log.level": "ERROR",
}
# With a local master, nothing needs to be reachable from other machines.
_LOCAL: Final = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}

_TRACE: Final = "Traceback (most recent call last):\n"


@contextlib.contextmanager
def spark_session(master: str, settings: Mapping[str, str]) -> Iterator[SparkSession]:
    """Start a session, or use the one that runs in this process already.

    Raises:
        DataError: Spark does not start.
    """
    running = SparkSession.getActiveSession()
    session = running or _start(master, settings)
    try:
        for name, value in _SETTINGS.items():
            if name.startswith("spark.sql."):
                session.conf.set(name, value)
        yield session
    finally:
        if running is None:
            session.stop()


@contextlib.contextmanager
def spark_errors() -> Iterator[None]:
    """Translate Spark's errors.

    Raises:
        WorkerError: Python raised in a worker.
        DataError: Any other error of Spark.
    """
    try:
        yield
    except (PySparkException, Py4JError) as error:
        if _TRACE in str(error):
            raise _worker_error(str(error)) from error
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        causes = [line for line in lines if line.startswith("Caused by: ")]
        raise DataError(f"Spark: {' '.join(lines[:1] + causes[-1:])}") from error


def _worker_error(text: str) -> WorkerError:
    """The error at the end of the last traceback that Spark gives."""
    trace = text.rpartition(_TRACE)[2].splitlines()
    lines = list(dropwhile(lambda line: not line or line[0].isspace(), trace))
    lines = list(takewhile(lambda line: line and not line[0].isspace(), lines))
    kind, _, message = " ".join(lines).partition(": ")
    if kind == ModuleNotFoundError.__name__:
        message += ". Workers need what is installed here; PYSPARK_PYTHON names their Python."
    return WorkerError(f"A worker of Spark failed: {kind.rpartition('.')[2]}: {message}", kind=kind)


def _start(master: str, settings: Mapping[str, str]) -> SparkSession:
    builder = SparkSession.builder.appName("chicagotaxi").master(master)
    local = _LOCAL if master.startswith("local") else {}
    # Workers run the driver's Python: they need the packages that are installed with it.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if local:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    for name, value in (_SETTINGS | local | dict(settings)).items():
        builder = builder.config(name, value)
    with spark_errors():
        return builder.getOrCreate()
