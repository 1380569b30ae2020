"""DuckDB as an engine: all cores of one machine, in bounded memory."""
# ruff: noqa: S608 - names and texts in SQL are quoted

import contextlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from servicekit.files import DataError, write_errors
from servicekit.parallel import map_ordered
from servicekit.progress import Advance, silent

from chicagotaxi.etl.engines import EngineOptions
from chicagotaxi.etl.engines.bloom_filter import BloomFilter
from chicagotaxi.etl.engines.distinct import count_rows, first_rows, move_files, unless_written
from chicagotaxi.etl.engines.duckdb_functions import FUNCTIONS
from chicagotaxi.etl.engines.duckdb_sql import (
    duckdb_errors,
    first_line,
    literal_path,
    quoted_name,
    quoted_text,
)
from chicagotaxi.etl.engines.partitions import PartitionedWriter
from chicagotaxi.etl.engines.protocol import POSITION, SOURCE, Distinct
from chicagotaxi.file_formats import line_end
from chicagotaxi.sources.columns import TimeKind
from chicagotaxi.sources.input_files import SourceGroup

_POLL_S: Final = 0.1
_BATCH: Final = 131_072
_REUSE_MS: Final = 10_000
# Columns of hashes, which are not written.
_FILE: Final = "__file__"
_KEY: Final = "__key__"


@contextlib.contextmanager
def opened(options: EngineOptions, temporary: Path) -> Iterator["DuckDBEngine"]:
    """Start DuckDB.

    Raises:
        DataError: The options are refused.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": options.memory,
        "temp_directory": str(temporary),
        # A stream without a join is in the order of the input, at no cost.
        "preserve_insertion_order": True,
        # Everything is in the wheel; nothing may be downloaded.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # DuckDB does not know how many rows a CSV file has, and assumes few: a join would hold
        # them all in memory. The expressions put the smaller table on the right themselves.
        "disabled_optimizers": "build_side_probe_side",
    }
    if options.threads:
        settings["threads"] = options.threads
    _reuse_memory()
    try:
        connection = duckdb.connect(config=settings)
        # The progress is computed for `query_progress`, and not printed.
        connection.execute("SET enable_progress_bar = true")
        connection.execute("SET enable_progress_bar_print = false")
        # Instants without a zone are shown in UTC, whatever the machine's zone.
        connection.execute("SET TimeZone = 'UTC'")
    except duckdb.Error as error:
        raise DataError(
            f"DuckDB does not start: {first_line(error)} Give --memory as a number and a unit, "
            "such as 2GB."
        ) from error
    engine = DuckDBEngine(connection, temporary)
    try:
        yield engine
    finally:
        engine.close()


class DuckDBEngine:
    """DuckDB as an engine of the pipeline. See `chicagotaxi.etl.engines.protocol.Engine`."""

    name = "duckdb"
    functions = FUNCTIONS

    def __init__(self, connection: duckdb.DuckDBPyConnection, temporary: Path) -> None:
        self._connection = connection
        self._temporary = temporary
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="duckdb")
        self._views = 0
        [(self._threads,)] = connection.execute("SELECT current_setting('threads')").fetchall()

    def close(self) -> None:
        """Interrupt a running query, and release everything."""
        self._connection.interrupt()
        self._worker.shutdown()
        self._connection.close()

    def read(self, group: SourceGroup) -> ir.Table:
        """See `Engine.read`."""
        paths = "[" + ", ".join(quoted_text(literal_path(path)) for path in group.paths) + "]"
        names = group.unique_names
        # Row numbers prevent DuckDB from using threads, but only in queries that select them.
        numbers = (f"{self._views}", "0", "row_number() OVER ()")
        position = [f"{number} AS {name}" for number, name in zip(numbers, POSITION, strict=True)]
        clocks = [
            f"CAST({quoted_name(name)} AS TIMESTAMP) AS {quoted_name(name)}"
            if group.time_kinds.get(name, TimeKind.TEXT) is not TimeKind.TEXT
            else quoted_name(name)
            for name in group.columns
        ]
        what = f"SELECT {', '.join([*clocks, SOURCE, *position])} FROM"
        # A folder named company=x is not a partition: the values are in the rows.
        plain = "hive_partitioning = false"
        if group.form == "parquet":
            file = _unused(SOURCE, group.header)
            called = ", ".join(map(quoted_name, [*names, SOURCE]))
            return self._view(
                f"{what} read_parquet({paths}, filename = {quoted_text(file)}, {plain}) "
                f"AS t({called})"
            )
        if any("\n" in name for name in group.header):
            # Otherwise the first line break in a name would be taken for the end of all lines.
            plain += f", new_line = {quoted_text(repr(line_end(group.paths[0]))[1:-1])}"
        columns = ", ".join(f"{quoted_text(name)}: 'VARCHAR'" for name in names)
        return self._view(
            f"{what} read_csv({paths}, columns = {{{columns}}}, auto_detect = false, "
            f"header = true, delim = ',', quote = '\"', escape = '\"', "
            f"filename = {quoted_text(SOURCE)}, {plain})"
        )

    def read_parquet(self, folder: Path) -> ir.Table:
        """See `Engine.read_parquet`."""
        pattern = quoted_text(f"{literal_path(folder)}/**/*.parquet")
        return self._view(f"SELECT * FROM read_parquet({pattern}, hive_partitioning = true)")

    def fetch(self, table: ir.Table) -> pa.Table:
        """See `Engine.fetch`."""
        sql = self._sql(table)
        found: pa.Table = self._wait(
            self._worker.submit(lambda: self._connection.sql(sql).to_arrow_table())
        )
        return found

    def fetch_first(self, table: ir.Table, rows: int) -> pa.Table:
        """See `Engine.fetch_first`."""
        # DuckDB keeps the order of the input, without sorting.
        return self.fetch(table.drop(*POSITION).limit(rows))

    def write(
        self, table: ir.Table, folder: Path, *, by: Sequence[str], progress: Advance = silent
    ) -> None:
        """See `Engine.write`."""
        with duckdb_errors(), write_errors(folder):
            batches = self._connection.sql(self._sql(table)).to_arrow_reader(_BATCH)
            with PartitionedWriter(folder, batches.schema, by=by, threads=self._threads) as file:
                for batch in batches:
                    file.write(batch)
                    progress(batch.num_rows)

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
        """See `Engine.write_distinct`.

        The filter finds every key that occurs again, and a few that do not: their rows are written
        to a file of their own, of which the first rows are then added to the others.
        """
        fingerprint = self.functions.fingerprint
        hashed = table.mutate(
            **{_FILE: fingerprint(table.source), _KEY: fingerprint(table[key])}
        ).drop("source", *POSITION)
        tallies, seen, share = Counter[tuple[int, int]](), BloomFilter(), 0.0
        repeats, firsts = self._temporary / "repeats", self._temporary / "firsts"
        with duckdb_errors(), write_errors(folder):
            batches = self._connection.sql(self._sql(hashed)).to_arrow_reader(_BATCH)
            apart = {_FILE, _KEY, tally, kept}
            names = [name for name in batches.schema.names if name not in apart]
            schema = pa.schema([batches.schema.field(name) for name in names])
            with (
                PartitionedWriter(folder, schema, by=by, threads=self._threads) as first,
                PartitionedWriter(repeats, schema, by=(), threads=1) as again,
            ):
                for batch in batches:
                    tallies.update(_counts(batch, _FILE, tally))
                    rows = batch.filter(batch[kept])
                    repeated = pa.array(seen.add(rows[_KEY].to_numpy()))
                    rows = rows.select(names)
                    first.write(rows.filter(pc.invert(repeated)))
                    again.write(rows.filter(repeated))
                    share, before = self._share(), share
                    progress(share - before)
        if not (candidates := count_rows(repeats)):
            return Distinct(tallies, 0, None)
        # One file, whose rows are in the order of the input.
        aside = self._view(
            "SELECT * EXCLUDE (file_row_number), file_row_number AS position FROM read_parquet("
            f"{quoted_text(literal_path(repeats / 'part-0.parquet'))}, file_row_number = true)"
        )
        missing = unless_written(
            first_rows(aside, key=key, by=by), self.read_parquet(folder), [key, *by]
        )
        self.write(missing, firsts, by=by)
        return Distinct(tallies, candidates - move_files(firsts, folder, prefix="first-"), aside)

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
        """See `Engine.apply`."""
        destination.mkdir(parents=True)
        files = sorted(source.rglob("*.parquet")) if source.is_dir() else [source]
        # Fractions rarely repeat; building dictionaries for them took a fifth of the time.
        repeated = [field.name for field in schema if not pa.types.is_floating(field.type)]
        written = 0

        def numbered(one: tuple[int, pa.RecordBatch]) -> tuple[int, pa.RecordBatch]:
            return one[0], function(one[1])

        with (
            contextlib.closing(self._batches(files, rows)) as batches,
            contextlib.closing(map_ordered(numbered, batches, self._threads)) as results,
        ):
            for number, part in groupby(results, key=itemgetter(0)):
                path = destination / f"part-{number:05d}.parquet"
                with pq.ParquetWriter(
                    path, schema, compression="zstd", use_dictionary=repeated
                ) as file:
                    for _, result in part:
                        file.write_batch(result)
                        written += result.num_rows
                        progress(result.num_rows)
        return written

    def _batches(self, files: Sequence[Path], rows: int) -> Generator[tuple[int, pa.RecordBatch]]:
        """The batches of files, each with the number of its file."""
        with duckdb_errors():
            for number, path in enumerate(files):
                name = quoted_text(literal_path(path))
                sql = f"SELECT * FROM read_parquet({name}, hive_partitioning = true)"
                for batch in self._connection.sql(sql).to_arrow_reader(rows):
                    yield number, batch

    def _view(self, sql: str) -> ir.Table:
        self._views += 1
        name = f"input_{self._views}"
        with duckdb_errors():
            self._connection.execute(f"CREATE TEMP VIEW {name} AS {sql}")
            found = self._connection.sql(f"SELECT * FROM {name} LIMIT 0").to_arrow_table()
        return ibis.table(ibis.Schema.from_pyarrow(found.schema), name=name)

    def _sql(self, table: ir.Table) -> str:
        return str(ibis.to_sql(table, dialect="duckdb"))

    def _share(self) -> float:
        return max(self._connection.query_progress(), 0.0) / 100.0

    def _wait(self, work: "Future[Any]") -> Any:  # noqa: ANN401
        """Wait in the main thread in short intervals, so that it receives signals."""
        try:
            while True:
                with contextlib.suppress(TimeoutError), duckdb_errors():
                    return work.result(_POLL_S)
        except BaseException:
            self._connection.interrupt()
            raise


def _counts(batch: pa.RecordBatch, *columns: str) -> dict[tuple[int, int], int]:
    """Numbers of rows of a batch by the values of two columns."""
    table = pa.Table.from_batches([batch.select(columns)])
    counts = table.group_by(columns, use_threads=False).aggregate([([], "count_all")])
    values = (counts[name].to_pylist() for name in columns)
    return dict(zip(zip(*values, strict=True), counts["count_all"].to_pylist(), strict=True))


def _reuse_memory() -> None:
    """Let Arrow keep freed memory for the next batch, which is as large as the last one.

    Otherwise it is returned to the system within milliseconds, and allocated again page by page.
    """
    if "jemalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.jemalloc_memory_pool())
        pa.jemalloc_set_decay_ms(_REUSE_MS)


def _unused(name: str, header: Sequence[str]) -> str:
    """A name that no column of a file has, whatever its case."""
    taken = {one.lower() for one in header}
    while name.lower() in taken:
        name += "_"
    return name
