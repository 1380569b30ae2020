"""Where the pipeline's expressions run: DuckDB on one machine, Spark on many.

An engine reads what the expressions start from, and runs and writes what they come to. It knows
nothing of trips.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

import ibis.expr.types as ir
import pyarrow as pa
from servicekit.files import DataError

from chicagotaxi.etl.parse import EngineFunctions
from chicagotaxi.sources.input_files import SourceGroup

__all__ = [
    "Engine",
    "EngineName",
    "EngineOptions",
    "Fraction",
    "RowsWritten",
    "WorkerError",
    "open_engine",
]

EngineName = Literal["duckdb", "pyspark"]

# Told how much of a step is done, from 0 to 1, where the engine knows.
Fraction = Callable[[float], None]
# Told how many rows more were written.
RowsWritten = Callable[[int], None]


@dataclass(frozen=True)
class EngineOptions:
    """How the work is done; what comes out is the same.

    Attributes:
        name: ``duckdb`` or ``pyspark``.
        memory: How much DuckDB may use before it writes to disk.
        threads: Of DuckDB; None for as many as there are cores.
        master: Of the Spark cluster.
        settings: Further settings of Spark.

    Raises:
        DataError: There is no such engine.
    """

    name: EngineName = "duckdb"
    memory: str = "2GB"
    threads: int | None = None
    master: str = "local[*]"
    settings: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Refuse what a command line may name."""
        if self.name not in get_args(EngineName):
            raise DataError(f"There is no engine {self.name!r}. Give duckdb or pyspark.")


class WorkerError(DataError):
    """A function that rows are put through raised in another process.

    Attributes:
        kind: The class of what it raised, with its module.
    """

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class Engine(Protocol):
    """What the pipeline asks of an engine.

    Attributes:
        name: As in the status of a run.
        functions: What the engine does in its own way.
        leaves_first: Whether `write_once` leaves the first row of a key at its place. Otherwise it
            puts all rows aside whose key comes again.
    """

    name: str
    functions: EngineFunctions
    leaves_first: bool

    def read(self, group: SourceGroup) -> ir.Table:
        """Input files: those of the pipeline's columns that they have, `SOURCE` and `POSITION`.

        Columns have the pipeline's names, and are found by their place: whatever the other columns
        are called, they are not read. CSV gives text. Times of Parquet are without a zone, those
        with one in UTC.

        The order of the input is that of the groups as they were read, then of the files' paths,
        then of the rows in their file.
        """
        ...

    def read_parquet(self, folder: Path) -> ir.Table:
        """The Parquet files of a folder, and the columns that its sub-folders' names hold."""
        ...

    def read_aside(self, folder: Path, *, key: str) -> ir.Table:
        """What `write_once` put aside.

        Args:
            folder: Where it is.
            key: As `write_once` was told.

        Returns:
            With a column ``position`` besides, by which rows are in the order of the input.
        """
        ...

    def fetch(self, table: ir.Table) -> pa.Table:
        """Compute a small table, and bring it here."""
        ...

    def write(
        self, table: ir.Table, folder: Path, *, by: Sequence[str], progress: RowsWritten
    ) -> None:
        """Write a table as Parquet into a new folder, in sub-folders by the values of columns.

        Args:
            table: Of whole numbers in these columns.
            folder: The new folder.
            by: The columns; of none, there are no sub-folders.
            progress: Told it, where the engine knows.
        """
        ...

    def write_once(
        self,
        table: ir.Table,
        folder: Path,
        *,
        by: Sequence[str],
        key: str,
        aside: Sequence[int],
        tally: str,
        progress: Fraction,
    ) -> Mapping[tuple[int, int], int]:
        """Write rows as `write` does, and put those aside whose key comes again.

        Rows with 0 in the first of the columns are written as they are. Of the others, those whose
        key comes again are put aside: which of them, `leaves_first` says. A few whose key comes
        but once may be put aside, too.

        Args:
            table: With ``source`` and `POSITION`, which are not written.
            folder: The new folder.
            by: The columns, of whole numbers.
            key: A column of text.
            aside: What stands in those columns for what is put aside.
            tally: A column of whole numbers by which rows are counted. It is not written.
            progress: Told how much is done, where the engine knows.

        Returns:
            How many rows there are of each file and tally, by the fingerprint of its path and
            the number.
        """
        ...

    def apply(
        self,
        source: Path,
        function: Callable[[pa.RecordBatch], pa.RecordBatch],
        schema: pa.Schema,
        destination: Path,
        *,
        rows: int,
        progress: RowsWritten = lambda _rows: None,
    ) -> int:
        """Put the Parquet files of a folder through a function, batch by batch.

        A file is a unit of the work: what comes of it is one part, in its order. On Spark it is a
        partition (files of 128 MB and more are several).

        Args:
            source: The folder, or a file.
            function: From a batch to a batch of the schema. Several threads call it at a time. On
                Spark it travels to the executors, so it must be importable there, with what it
                holds.
            schema: Of the function's batches.
            destination: A new folder for the Parquet files that it gives.
            rows: The most rows of a batch.
            progress: Told how many rows more were written, where the engine knows: at the latest
                at the end.

        Returns:
            How many rows were written.

        Raises:
            WorkerError: The function raised in another process; in this one, what it raised.
        """
        ...


@contextlib.contextmanager
def open_engine(options: EngineOptions, *, temporary: Path) -> Iterator[Engine]:
    """Start an engine, and stop it on leaving.

    Args:
        options: Which, and how.
        temporary: A folder for what does not fit into memory.

    Raises:
        DataError: The engine cannot be started; the message says what to install.
    """
    if options.name == "duckdb":
        from chicagotaxi.etl.engines.duckdb import DuckDBEngine  # noqa: PLC0415 - only what is asked for

        with DuckDBEngine.opened(
            temporary, memory=options.memory, threads=options.threads
        ) as duckdb:
            yield duckdb
    else:
        from chicagotaxi.etl.engines.spark import SparkEngine  # noqa: PLC0415

        settings = options.settings or {}
        with SparkEngine.opened(options.master, temporary=temporary, settings=settings) as spark:
            yield spark
