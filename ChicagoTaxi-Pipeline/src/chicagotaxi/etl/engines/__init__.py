"""Query engines for the pipeline's expressions: DuckDB on one machine, Spark on many."""

import contextlib
import importlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from servicekit.files import DataError
from servicekit.spark.check import missing_for_spark
from servicekit.spark.options import LOCAL_MASTER

from chicagotaxi.etl.engines.protocol import Engine

__all__ = ["Engine", "EngineName", "EngineOptions", "open_engine"]

EngineName = Literal["duckdb", "pyspark"]

SPARK_ENVIRONMENT: Final = "make spark-env-ChicagoTaxi-Pipeline"


@dataclass(frozen=True)
class EngineOptions:
    """Name and settings of an engine. The results are the same for all engines.

    Attributes:
        name: ``duckdb`` or ``pyspark``.
        memory: Memory that DuckDB may use before it writes to disk.
        threads: Threads of DuckDB; None for one per core.
        master: URL of the Spark master.
        settings: Further Spark settings by name.

    Raises:
        DataError: The name is unknown.
    """

    name: EngineName = "duckdb"
    memory: str = "2GB"
    threads: int | None = None
    master: str = LOCAL_MASTER
    settings: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Check the name, which may come from a command line."""
        if self.name not in get_args(EngineName):
            raise DataError(f"There is no engine {self.name!r}. Give duckdb or pyspark.")


@contextlib.contextmanager
def open_engine(options: EngineOptions, *, temporary: Path | None = None) -> Iterator[Engine]:
    """Start an engine, and stop it at the end of the block.

    Args:
        options: Which engine, and its settings.
        temporary: Folder for data that does not fit into memory; made and removed if not given.

    Raises:
        DataError: The engine cannot be started; the message says what to install.
    """
    with contextlib.ExitStack() as stack:
        if temporary is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chicagotaxi-"))
            temporary = Path(folder)
        # Only the engine that is asked for is imported: Spark may not be installed.
        if options.name == "pyspark":
            missing = missing_for_spark(install=SPARK_ENVIRONMENT, instead="--engine duckdb")
            if missing:
                raise DataError(missing)
        name = "duckdb" if options.name == "duckdb" else "spark"
        module = importlib.import_module(f"{__name__}.{name}")
        yield stack.enter_context(module.opened(options, temporary))
