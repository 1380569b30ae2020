"""Starts a Spark session with the settings of the pipeline."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

from pyspark.sql import SparkSession
from servicekit.spark import session
from servicekit.spark.options import SparkOptions

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
    "spark.sql.parquet.compression.codec": "zstd",
}


def spark_session(master: str, settings: Mapping[str, str]) -> AbstractContextManager[SparkSession]:
    """Start a session, or use the one that runs in this process already.

    Raises:
        DataError: Spark does not start.
    """
    return session.spark_session("chicagotaxi", SparkOptions(master, settings), _SETTINGS)
