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
from servicekit.spark.errors import WorkerError
from servicekit.spark.options import SparkOptions

_SETTINGS: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
# With a local master, nothing needs to be reachable from other machines.
_LOCAL: Final = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}

_UNTRANSLATED: Final = "An error occurred while calling "
_GIVEN_UP: Final = "Job aborted due to stage failure: "
_LOST: Final = ("ExecutorLostFailure", "Python worker exited unexpectedly")
_TRACE: Final = "Traceback (most recent call last):\n"


@contextlib.contextmanager
def spark_session(
    app: str, options: SparkOptions, settings: Mapping[str, str]
) -> Iterator[SparkSession]:
    """Start a session, or use the one that runs in this process already.

    Args:
        app: Name of the application.
        options: Master and settings that the user gives.
        settings: Settings that the application needs. Those of ``spark.sql`` hold whatever the user
            gives, the others unless the user gives them.

    Raises:
        DataError: Spark does not start.
    """
    running = SparkSession.getActiveSession()
    session = running or _start(app, options, settings)
    try:
        for name, value in settings.items():
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
        remedy = ""
        if any(sign in str(error) for sign in _LOST):
            remedy = (
                ". Run the command again; a worker that exits may lack memory "
                "(--spark spark.executor.memory=4g)."
            )
        raise DataError(f"Spark: {_reason(error)}{remedy}") from error


def _reason(error: Exception) -> str:
    """The line of an error that says what happened, and its last cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].startswith(_UNTRANSLATED):
        lines = [line.removeprefix(": ") for line in lines[1:]] or lines
        # Behind the errors of what waited for the task.
        given_up = [line.partition(_GIVEN_UP)[2] for line in lines if _GIVEN_UP in line]
        lines[:1] = given_up[:1] or lines[:1]
    causes = [line for line in lines[1:] if line.startswith("Caused by: ")]
    causes = [line for line in causes if _GIVEN_UP not in line]
    return " ".join(lines[:1] + causes[-1:]).rstrip(".")


def _worker_error(text: str) -> WorkerError:
    """The error at the end of the last traceback that Spark gives."""
    trace = text.rpartition(_TRACE)[2].splitlines()
    lines = list(dropwhile(lambda line: not line or line[0].isspace(), trace))
    lines = list(takewhile(lambda line: line and not line[0].isspace(), lines))
    kind, _, message = " ".join(lines).partition(": ")
    if kind == ModuleNotFoundError.__name__:
        message += ". Workers need what is installed here; PYSPARK_PYTHON names their Python."
    return WorkerError(f"A worker of Spark failed: {kind.rpartition('.')[2]}: {message}", kind=kind)


def _start(app: str, options: SparkOptions, settings: Mapping[str, str]) -> SparkSession:
    builder = SparkSession.builder.appName(app).master(options.master)
    local = _LOCAL if options.master.startswith("local") else {}
    # Workers run the driver's Python: they need the packages that are installed with it.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if local:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    for name, value in {**_SETTINGS, **settings, **local, **options.settings}.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise DataError(
            f"Spark does not start with the master {options.master}: {_reason(error)}. Give "
            "--master local[N], spark://HOST:PORT, yarn or k8s://https://HOST:PORT of a cluster "
            "that this machine reaches."
        ) from error
