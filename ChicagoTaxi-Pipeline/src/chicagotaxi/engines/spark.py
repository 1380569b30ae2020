"""Spark: where one machine is not enough. Needs Java 17 and requirements-spark.txt.

Driver and executors must see the input and the output folder under the same path, on a file system
that can rename.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
from servicekit.files import DataError

from chicagotaxi.data import SourceGroup
from chicagotaxi.engines import Fraction
from chicagotaxi.parse import SOURCE, EngineFunctions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["SparkEngine", "missing_for_spark"]

JAVA: Final = 17

_SETTINGS: Final = {
    # Wall-clock times without a zone, in expressions and in files.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
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


@ibis.udf.scalar.builtin
def try_to_timestamp(_text: dt.string, _pattern: dt.string) -> dt.timestamp:
    """Spark's own: the time, or null."""


@ibis.udf.scalar.builtin
def xxhash64(_text: dt.string) -> dt.int64:
    """Spark's own, of 64 bits."""


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


class SparkEngine:
    """The pipeline's expressions on Spark. See `chicagotaxi.engines.Engine`."""

    functions = EngineFunctions(
        american_time=lambda text: try_to_timestamp(text, "MM/dd/yyyy hh:mm:ss a"),
        fingerprint=xxhash64,
    )

    def __init__(self, session: "SparkSession", temporary: Path) -> None:
        self._session = session
        self._temporary = temporary
        self._tables = 0
        # Spark's dialect is only known in whole once its backend was looked up.
        self._backend: Any = ibis.pyspark
        self.name = f"pyspark {session.sparkContext.master}"

    @classmethod
    @contextlib.contextmanager
    def opened(cls, master: str, *, temporary: Path, settings: Mapping[str, str]) -> Iterator[Self]:
        """Start a session, or take the one that runs in this process already."""
        if missing := missing_for_spark():
            raise DataError(missing)
        from pyspark.sql import SparkSession  # noqa: PLC0415

        running = SparkSession.getActiveSession()
        session = running or _start(master, settings)
        try:
            for name, value in _SETTINGS.items():
                if name.startswith("spark.sql."):
                    session.conf.set(name, value)
            yield cls(session, temporary)
        finally:
            if running is None:
                session.stop()

    def read(self, group: SourceGroup) -> ir.Table:
        """See `Engine.read`."""
        paths = [_literally(path) for path in group.paths]
        # Looked up as files, and not as partitions: a folder named company=x adds no column.
        reader = self._session.read.option("recursiveFileLookup", "true")
        if group.form == "parquet":
            frame = reader.parquet(*paths)
        else:
            from pyspark.sql.types import StringType, StructField, StructType  # noqa: PLC0415

            schema = StructType([StructField(name, StringType()) for name in group.header])
            options = {"header": "true", "mode": "FAILFAST", "escape": '"', "encoding": "UTF-8"}
            frame = reader.schema(schema).options(**options).csv(paths)
        # The name of a file is a URL there, with its own way of writing blanks and the like.
        source = (
            "regexp_replace(url_decode(replace(_metadata.file_path, '+', '%2B')), '^file:/+', '/')"
        )
        return self._table(frame.selectExpr("*", f"{source} AS {SOURCE}"))

    def read_parquet(self, folder: Path) -> ir.Table:
        """See `Engine.read_parquet`."""
        return self._table(self._session.read.parquet(_literally(folder)))

    def keep(self, name: str, table: ir.Table, *, progress: Fraction) -> ir.Table:
        """See `Engine.keep`."""
        folder = self._temporary / name
        self._save(table, folder, by=())
        progress(1.0)
        return self.read_parquet(folder)

    def fetch(self, table: ir.Table) -> pa.Table:
        """See `Engine.fetch`."""
        with _errors():
            found = self._frame(table).toArrow()
        return pa.table([_naive(column) for column in found.columns], names=list(table.columns))

    def write(
        self, table: ir.Table, folder: Path, *, by: Sequence[str], progress: Fraction
    ) -> None:
        """See `Engine.write`."""
        self._save(table, folder, by=by)
        progress(1.0)

    def apply(
        self,
        source: Path,
        function: Callable[[pa.RecordBatch], pa.RecordBatch],
        schema: pa.Schema,
        destination: Path,
        *,
        rows: int,
    ) -> int:
        """See `Engine.apply`."""
        from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415

        def over(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
            for batch in batches:
                yield function(batch)

        before = self._session.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")
        self._session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(rows))
        try:
            with _errors():
                frame = self._session.read.parquet(_literally(source))
                result = frame.mapInArrow(
                    over, from_arrow_schema(schema, prefer_timestamp_ntz=True)
                )
                result.write.parquet(f"file://{destination}")
                return int(self._session.read.parquet(_literally(destination)).count())
        finally:
            self._session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(before))

    def _table(self, frame: "DataFrame") -> ir.Table:
        from ibis.backends.pyspark.datatypes import PySparkType  # noqa: PLC0415
        from pyspark.sql.types import TimestampType  # noqa: PLC0415

        # With a zone: the wall clock is what Spark shows of it in UTC, the session's zone.
        zoned = {one.name for one in frame.schema if isinstance(one.dataType, TimestampType)}
        if zoned:
            frame = frame.selectExpr(
                *(
                    f"CAST({_name(one)} AS TIMESTAMP_NTZ) AS {_name(one)}"
                    if one in zoned
                    else _name(one)
                    for one in frame.columns
                )
            )
        self._tables += 1
        name = f"input_{id(self)}_{self._tables}"
        frame.createOrReplaceTempView(name)
        types: dict[str, Any] = {
            column.name: PySparkType.to_ibis(column.dataType) for column in frame.schema
        }
        return ibis.table(types, name=name)

    def _frame(self, table: ir.Table) -> "DataFrame":
        return self._session.sql(str(ibis.to_sql(table, dialect="pyspark")))

    def _save(self, table: ir.Table, folder: Path, *, by: Sequence[str]) -> None:
        with _errors():
            self._frame(table).write.partitionBy(*by).parquet(f"file://{folder}")


def _start(master: str, settings: Mapping[str, str]) -> "SparkSession":
    from pyspark.sql import SparkSession  # noqa: PLC0415

    builder = SparkSession.builder.appName("chicagotaxi").master(master)
    local = _LOCAL if master.startswith("local") else {}
    if local:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    for name, value in (_SETTINGS | local | dict(settings)).items():
        builder = builder.config(name, value)
    with _errors():
        return builder.getOrCreate()


def _name(value: str) -> str:
    return "`" + value.replace("`", "``") + "`"


def _literally(path: Path) -> str:
    """The URL of a path, as a pattern that matches nothing else: what is read is one for Spark."""
    return "file://" + re.sub(r"([\\\[\]{}*?])", r"\\\1", str(path))


def _naive(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us"))
    return column


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Say Spark's errors in the terms of whoever runs the pipeline."""
    from py4j.protocol import Py4JError  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        yield
    except (PySparkException, Py4JError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        causes = [line for line in lines if line.startswith("Caused by: ")]
        raise DataError(f"Spark: {' '.join(lines[:1] + causes[-1:])}") from error
