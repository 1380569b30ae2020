"""The protocol of query engines. It is independent of trips."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import ibis.expr.types as ir
import pyarrow as pa
from servicekit.progress import Advance, silent

from chicagotaxi.sources.input_files import SourceGroup

# Column with the path of a row's file. A file may well have a column named `source`.
SOURCE: Final = "__source__"
# Columns with the position of a row: whole numbers that sort rows in the order of the input. The
# first comes before the path of the file, the others are within the file.
POSITION: Final = ("__group__", "__block__", "__row__")


@dataclass(frozen=True)
class EngineFunctions:
    """Functions that engines implement differently.

    Attributes:
        american_time: Text such as ``04/06/2016 08:45:00 PM`` to a time; null for any other text
            and for a day that no calendar has.
        to_local: A time in UTC, without a zone, to the city's clock.
        number_text: A text that follows the grammar of numbers to one that the engine can cast;
            any other to null, or to a text that the engine cannot cast.
        decimal: Such a text and a decimal type to the number; null if it is out of range.
        fingerprint: A text to a 64-bit hash.
    """

    american_time: Callable[[ir.StringValue], ir.TimestampValue]
    to_local: Callable[[ir.TimestampValue], ir.TimestampValue]
    number_text: Callable[[ir.StringValue], ir.StringValue]
    decimal: Callable[[ir.StringValue, str], ir.DecimalValue]
    fingerprint: Callable[[ir.StringValue], ir.IntegerValue]


@dataclass(frozen=True)
class Distinct:
    """Result of `Engine.write_distinct`.

    Attributes:
        tallies: Number of rows by the fingerprint of their file's path and by tally.
        repeated: Number of rows that were not written because their key had occurred before.
        candidates: Rows whose keys include every key that was repeated; None if there are none.
    """

    tallies: Mapping[tuple[int, int], int]
    repeated: int
    candidates: ir.Table | None


class Engine(Protocol):
    """A query engine.

    Attributes:
        name: Name in the status of a run.
        functions: Functions that the engine implements in its own way.
    """

    name: str
    functions: EngineFunctions

    def read(self, group: SourceGroup) -> ir.Table:
        """Input files: the pipeline's columns that they have, `SOURCE` and `POSITION`.

        Columns have the pipeline's names and are found by their position in the file; other
        columns are not read, whatever their names. CSV columns are text. Times of Parquet have no
        zone; those with a zone are in UTC.

        The order of the input is that of the groups as they were read, then of the files' paths,
        then of the rows in their file.
        """
        ...

    def read_parquet(self, folder: Path) -> ir.Table:
        """The Parquet files of a folder, with the columns in its sub-folders' names."""
        ...

    def fetch(self, table: ir.Table) -> pa.Table:
        """Compute a small table and load it into memory."""
        ...

    def fetch_first(self, table: ir.Table, rows: int) -> pa.Table:
        """The first rows of a table that has `POSITION`, in the order of the input."""
        ...

    def write(
        self, table: ir.Table, folder: Path, *, by: Sequence[str], progress: Advance = silent
    ) -> None:
        """Write a table as Parquet into a new folder, in sub-folders by the values of columns.

        Args:
            table: The table; the columns of ``by`` hold whole numbers.
            folder: The new folder.
            by: Columns that name the sub-folders; may be empty.
            progress: Receives the number of rows, from engines that know it.
        """
        ...

    def write_distinct(
        self,
        table: ir.Table,
        folder: Path,
        *,
        by: Sequence[str],
        key: str,
        kept: str,
        tally: str,
        progress: Advance = silent,
    ) -> Distinct:
        """Write the kept rows as `write` does: of each key in each sub-folder, the first row only.

        Args:
            table: The rows, with ``source`` and `POSITION`, which are not written.
            folder: The new folder.
            by: Columns of whole numbers that name the sub-folders.
            key: A column of text.
            kept: A column that says which rows are to be written. It is not written itself.
            tally: A column of whole numbers by which all rows are counted. It is not written.
            progress: Receives the share of the work that was done, in sum at most 1.
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
        progress: Advance = silent,
    ) -> int:
        """Apply a function to the Parquet files of a folder, batch by batch.

        A file is a unit of work: its results are one part, in its order. On Spark it is a
        partition (files of 128 MB and more are several).

        Args:
            source: The folder, or a file.
            function: From a batch to a batch of the schema. Several threads call it at a time.
                Spark sends it to the executors, where it must be importable, with all it holds.
            schema: Schema of the function's results.
            destination: A new folder for the Parquet files of the results.
            rows: Largest number of rows of a batch.
            progress: Receives the number of rows written, at the latest at the end.

        Returns:
            The number of rows written.

        Raises:
            WorkerError: The function raised in another process (`servicekit.spark.errors`). An
                error in this process is raised as it is.
        """
        ...
