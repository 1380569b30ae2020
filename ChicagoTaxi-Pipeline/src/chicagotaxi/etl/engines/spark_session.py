"""Starting Spark, and what it says when something goes wrong."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING, Final

from servicekit.files import DataError

from chicagotaxi.etl.engines.protocol import WorkerError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA: Final = 17

_SETTINGS: Final = {
    # Wall-clock times without a zone, in expressions and in files.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Spark has no type for nanoseconds, which pandas writes: they are read as whole numbers.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    # A file may have other columns whose names differ from those in use by case only.
    "spark.sql.caseSensitive": "true",
    # A row with a field too many or too few must be seen even where that field is not used.
    "spark.sql.csv.parser.columnPruning.enabled": "false",
    # Each layer of the expressions uses those below it several times. What would carry a condition
    # through the layers multiplies them without end.
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
# Masters that run here, where nothing needs to be reached from elsewhere.
_LOCAL: Final = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}

_TRACE: Final = "Traceback (most recent call last):\n"


def missing_for_spark() -> str | None:
    """What keeps Spark from starting here, with what to do; None where nothing does."""
    try:
        import pyspark  # noqa: F401, PLC0415 - only whoever asks for Spark has it
    except ImportError:
        return (
            "Spark is not installed. Install it with: make spark-env-ChicagoTaxi-Pipeline "
            "(requirements-spark.txt), or use --engine duckdb."
        )
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    remedy = (
        f"Install Java {JAVA} (for example openjdk-{JAVA}-jre-headless) or use --engine duckdb."
    )
    if java is None:
        return f"Spark needs Java, and there is none on PATH or in JAVA_HOME. {remedy}"
    try:
        found = subprocess.run([java, "-version"], capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        return f"Spark needs Java, and {java} does not run: {error}. {remedy}"
    version = found.stderr.partition('"')[2].partition(".")[0].partition('"')[0]
    if not version.isdigit() or int(version) < JAVA:
        return f"Spark needs Java {JAVA} or newer, and {java} is {version or 'unknown'}. {remedy}"
    return None


@contextlib.contextmanager
def spark_session(master: str, settings: Mapping[str, str]) -> "Iterator[SparkSession]":
    """Start a session, or take the one that runs in this process already.

    Raises:
        DataError: Spark is not there, or does not start.
    """
    if missing := missing_for_spark():
        raise DataError(missing)
    from pyspark.sql import SparkSession  # noqa: PLC0415

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
    """Say Spark's errors in the terms of whoever runs the pipeline.

    Raises:
        WorkerError: Python raised in a worker.
        DataError: Anything else of Spark's.
    """
    from py4j.protocol import Py4JError  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        yield
    except (PySparkException, Py4JError) as error:
        if _TRACE in str(error):
            raise _worker_error(str(error)) from error
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        causes = [line for line in lines if line.startswith("Caused by: ")]
        raise DataError(f"Spark: {' '.join(lines[:1] + causes[-1:])}") from error


def _worker_error(text: str) -> WorkerError:
    """What was raised last, of all the traces that Spark gives."""
    trace = text.rpartition(_TRACE)[2].splitlines()
    told = list(dropwhile(lambda line: not line or line[0].isspace(), trace))
    told = list(takewhile(lambda line: line and not line[0].isspace(), told))
    kind, _, message = " ".join(told).partition(": ")
    if kind == ModuleNotFoundError.__name__:
        message += ". Workers need what is installed here; PYSPARK_PYTHON names their Python."
    return WorkerError(f"A worker of Spark failed: {kind.rpartition('.')[2]}: {message}", kind=kind)


def _start(master: str, settings: Mapping[str, str]) -> "SparkSession":
    from pyspark.sql import SparkSession  # noqa: PLC0415

    builder = SparkSession.builder.appName("chicagotaxi").master(master)
    local = _LOCAL if master.startswith("local") else {}
    # Workers run the driver's Python: what a worker computes needs what is installed with it.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if local:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    for name, value in (_SETTINGS | local | dict(settings)).items():
        builder = builder.config(name, value)
    with spark_errors():
        return builder.getOrCreate()
