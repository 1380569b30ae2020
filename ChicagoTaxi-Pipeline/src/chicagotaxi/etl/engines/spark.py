"""Spark as an engine, for more than one machine. Needs Java 17 and requirements-spark.txt.

Driver and executors must have the input and the output folder under the same path, on a file system
that can rename.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.pyspark.datatypes import PySparkType
from pyspark.sql import DataFrame, SparkSession
from servicekit.files import DataError, write_errors
from servicekit.progress import Advance, silent
from servicekit.spark.functions import map_in_arrow
from servicekit.spark.session import spark_errors

from chicagotaxi.clock import ZONE
from chicagotaxi.etl.engines import EngineOptions
from chicagotaxi.etl.engines.distinct import count_rows, first_rows, move_files
from chicagotaxi.etl.engines.protocol import POSITION, SOURCE, Distinct, EngineFunctions
from chicagotaxi.etl.engines.spark_files import (
    csv_options,
    csv_schema,
    parquet_column,
    parquet_schema,
    quoted,
)
from chicagotaxi.etl.engines.spark_session import spark_session
from chicagotaxi.etl.numbers import LONG_POWER, follows_grammar
from chicagotaxi.sources.input_files import SourceGroup

_AMERICAN: Final = r"^\d\d/\d\d/\d{4} \d\d:\d\d:\d\d [AP]M\z"
_BEFORE_KEY: Final = "^[0-9]{20}[0-9A-F]* [0-9]{40} "
# Share of the work that is done when the keys are counted.
_COUNTED: Final = 0.25
# Column that partitions rows by whether their key occurs again.
_REPEATED: Final = "__repeated__"


@ibis.udf.scalar.builtin
def try_to_timestamp(_text: dt.string, _pattern: dt.string) -> dt.timestamp:
    """Spark's function: the time, or null."""


@ibis.udf.scalar.builtin
def convert_timezone(_from: dt.string, _to: dt.string, _time: dt.timestamp) -> dt.timestamp:
    """Spark's function: from one zone's clock to another's."""


@ibis.udf.scalar.builtin(name="hex")
def spark_hex(_text: dt.string) -> dt.string:
    """Spark's function: the bytes of a text, two digits each."""


@ibis.udf.scalar.builtin
def xxhash64(_text: dt.string) -> dt.int64:
    """Spark's hash function of 64 bits."""


def _american_time(text: ir.StringValue) -> ir.TimestampValue:
    shaped = text.re_search(_AMERICAN).ifelse(text, ibis.null("string"))
    return try_to_timestamp(shaped, "MM/dd/yyyy hh:mm:ss a")


def _number_text(text: ir.StringValue) -> ir.StringValue:
    """The text of a number for Spark, which also reads other scripts' digits.

    With an exponent of thousands of digits, Java would write out all digits of the number: it is
    cut to one with the same result. A point after the exponent, which the grammar allows, is
    removed.
    """
    power = text.contains("e") | text.contains("E")
    plain = text.re_replace(LONG_POWER, "$1$2").re_replace(r"([eE][+-]?\d+)\.", "$1")
    short = power.ifelse(plain, text)
    return follows_grammar(text).ifelse(short, ibis.null("string"))


@contextlib.contextmanager
def opened(options: EngineOptions, temporary: Path) -> Iterator["SparkEngine"]:
    """Start a Spark session, or use the one that runs in this process already.

    Raises:
        DataError: Spark is not installed, or does not start.
    """
    with spark_session(options.master, options.settings or {}) as session:
        yield SparkEngine(session, temporary)


class SparkEngine:
    """Spark as an engine of the pipeline. See `chicagotaxi.etl.engines.protocol.Engine`."""

    functions = EngineFunctions(
        american_time=_american_time,
        to_local=lambda time: convert_timezone("UTC", ZONE.key, time),
        number_text=_number_text,
        decimal=lambda text, kind: text.try_cast(kind),
        fingerprint=xxhash64,
    )

    def __init__(self, session: SparkSession, temporary: Path) -> None:
        self._session = session
        self._temporary = temporary
        self._tables = 0
        # Ibis knows Spark's dialect completely only after a look-up of its backend.
        self._backend: Any = ibis.pyspark
        self.name = f"pyspark {session.sparkContext.master}"

    def read(self, group: SourceGroup) -> ir.Table:
        """See `Engine.read`."""
        for path in group.paths:
            if ":" in path.name:
                raise DataError(
                    f"{path}: Spark cannot read a file with a colon in its name. Rename it, or use "
                    "--engine duckdb."
                )
        paths = [_literally(path) for path in group.paths]
        # Read as files and not as partitions: a folder named company=x adds no column.
        reader = self._session.read.option("recursiveFileLookup", "true")
        if group.form == "parquet":
            frame = reader.schema(parquet_schema(group)).parquet(*paths)
            columns = [parquet_column(group, name) for name in group.columns]
        else:
            frame = reader.schema(csv_schema(group)).options(**csv_options(group)).csv(paths)
            columns = [quoted(name) for name in group.columns]
        # Spark gives the name of a file as a URL, with blanks and other characters encoded.
        source = (
            "regexp_replace(url_decode(replace(_metadata.file_path, '+', '%2B')), '^file:/+', '/')"
        )
        # Spark's row numbers ascend within the block of a file that one task reads.
        numbers = (
            f"{self._tables}L",
            "_metadata.file_block_start",
            "monotonically_increasing_id()",
        )
        position = [f"{number} AS {name}" for number, name in zip(numbers, POSITION, strict=True)]
        return self._table(frame.selectExpr(*columns, f"{source} AS {SOURCE}", *position))

    def read_parquet(self, folder: Path) -> ir.Table:
        """See `Engine.read_parquet`."""
        return self._table(self._session.read.parquet(_literally(folder)))

    def fetch(self, table: ir.Table) -> pa.Table:
        """See `Engine.fetch`."""
        with spark_errors():
            found = self._frame(table).toArrow()
        return pa.table([_naive(column) for column in found.columns], names=list(table.columns))

    def fetch_first(self, table: ir.Table, rows: int) -> pa.Table:
        """See `Engine.fetch_first`."""
        ordered = table.order_by([table[name] for name in POSITION])
        return self.fetch(ordered.drop(*POSITION).limit(rows))

    def write(
        self, table: ir.Table, folder: Path, *, by: Sequence[str], progress: Advance = silent
    ) -> None:
        """See `Engine.write`."""
        del progress  # Spark writes in other processes, and does not report it.
        self._save(table, folder, by=by)

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

        Rows whose keys occur again are written to a partition of their own, of which the first rows
        are then added to the others.
        """
        fingerprint = self.functions.fingerprint
        prints = table.select(
            file=fingerprint(table.source), tally=table[tally], print=fingerprint(table[key])
        )
        by_all = prints.group_by("file", "tally", "print")
        counts = self._keep("counts", by_all.agg(rows=prints.count()))
        progress(_COUNTED)
        totals = counts.group_by("print").agg(rows=counts.rows.sum())
        again = self._keep("again", totals.filter(totals.rows > 1).select(again=totals.print))
        joined = table.left_join(again, fingerprint(table[key]) == again.again)
        repeated = joined.again.notnull()
        # The position travels in the key: a column of its own would be in every file.
        marked = joined.mutate(
            **{
                _REPEATED: repeated,
                key: repeated.ifelse(_position(joined) + joined[key], joined[key]),
            }
        )
        rows = marked.filter(marked[kept]).drop("again", "source", tally, kept, *POSITION)
        written, firsts = self._temporary / "distinct", self._temporary / "firsts"
        self._save(rows, written, by=(_REPEATED, *by))
        repeats, others = (written / f"{_REPEATED}={value}" for value in ("true", "false"))
        with write_errors(folder):
            if others.is_dir():
                others.rename(folder)
            else:
                folder.mkdir()
        return Distinct(self._tallies(counts), *self._add_firsts(repeats, folder, firsts, key, by))

    def _tallies(self, counts: ir.Table) -> dict[tuple[int, int], int]:
        rows = self.fetch(counts.group_by("file", "tally").agg(rows=counts.rows.sum()))
        found = (rows[name].to_pylist() for name in ("file", "tally"))
        return dict(zip(zip(*found, strict=True), rows["rows"].to_pylist(), strict=True))

    def _add_firsts(
        self, repeats: Path, folder: Path, firsts: Path, key: str, by: Sequence[str]
    ) -> tuple[int, ir.Table | None]:
        """Add the first row of each repeated key to the folder.

        Returns:
            The number of the other rows, and all rows of these keys.
        """
        if not (candidates := count_rows(repeats)):
            return 0, None
        packed = self.read_parquet(repeats)
        rows = packed.mutate(
            position=packed[key].re_extract(_BEFORE_KEY, 0),
            **{key: packed[key].re_replace(_BEFORE_KEY, "")},
        )
        self._save(first_rows(rows, key=key, by=by), firsts, by=by)
        with write_errors(folder):
            return candidates - move_files(firsts, folder, prefix="first-"), rows

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
        settings = {
            "spark.sql.execution.arrow.maxRecordsPerBatch": str(rows),
            # As much as a partition holds, so that each file is a partition, however small.
            "spark.sql.files.openCostInBytes": self._session.conf.get(
                "spark.sql.files.maxPartitionBytes"
            ),
        }
        with spark_errors(), self._set(settings):
            frame = self._session.read.parquet(_literally(source))
            map_in_arrow(frame, function, schema).write.parquet(_url(destination))
            written = int(self._session.read.parquet(_literally(destination)).count())
        progress(written)
        return written

    @contextlib.contextmanager
    def _set(self, settings: Mapping[str, str | None]) -> Iterator[None]:
        """Change some settings of the session within the block."""
        before = {name: self._session.conf.get(name) for name in settings}
        try:
            for name, value in settings.items():
                self._session.conf.set(name, str(value))
            yield
        finally:
            for name, value in before.items():
                self._session.conf.set(name, str(value))

    def _table(self, frame: DataFrame) -> ir.Table:
        self._tables += 1
        name = f"input_{id(self)}_{self._tables}"
        frame.createOrReplaceTempView(name)
        types: dict[str, Any] = {
            column.name: PySparkType.to_ibis(column.dataType) for column in frame.schema
        }
        return ibis.table(types, name=name)

    def _frame(self, table: ir.Table) -> DataFrame:
        return self._session.sql(str(ibis.to_sql(table, dialect="pyspark")))

    def _keep(self, name: str, table: ir.Table) -> ir.Table:
        """Compute a table now, and keep it as a file until the engine is closed."""
        folder = self._temporary / name
        self._save(table, folder, by=())
        return self.read_parquet(folder)

    def _save(self, table: ir.Table, folder: Path, *, by: Sequence[str]) -> None:
        with spark_errors():
            self._frame(table).write.partitionBy(*by).parquet(_url(folder))


def _position(table: ir.Table) -> ir.StringValue:
    """The position of a row as text that sorts alike, and that `_BEFORE_KEY` finds before a key."""
    group, block, row = (table[name].cast("string").lpad(20, "0") for name in POSITION)
    path: ir.StringValue = spark_hex(table.source)
    return group + path + " " + block + row + " "


def _literally(path: Path) -> str:
    """The URL of a path as a pattern that matches nothing else: Spark reads every path as one."""
    return re.sub(r"([\\\[\]{}*?])", r"\\\1", _url(path))


def _url(path: Path) -> str:
    return f"file://{path.absolute()}"


def _naive(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us"))
    return column
