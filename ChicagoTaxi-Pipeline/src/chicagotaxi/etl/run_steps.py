"""One run of the pipeline: its computations on the engine, and its files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from servicekit.files import DataError, write_errors
from servicekit.progress import Advance

from chicagotaxi.clock import Hours
from chicagotaxi.etl import expressions
from chicagotaxi.etl.engines.protocol import Engine
from chicagotaxi.etl.grid import complete_month
from chicagotaxi.etl.parse import RAW_SEPARATOR
from chicagotaxi.etl.rules import DUPLICATE, NAMES
from chicagotaxi.etl.time_zones import MARKS
from chicagotaxi.schema import HOURLY, TRIPS
from chicagotaxi.sources.columns import COLUMNS
from chicagotaxi.sources.input_files import Source, group_sources, holds_rows

Month = tuple[int, int]

# Percent of the run at which each step begins and ends.
_PERCENT: Final = {
    "parse and write trips": (0.0, 92.0),
    "sum up hourly demand": (92.0, 97.0),
    "write the quarantine": (97.0, 100.0),
}


@dataclass
class InputRows:
    """Counts of a file's rows.

    Attributes:
        rows: All rows.
        dropped: Rows that broke a rule, by the first; repeated identifiers are not known yet.
        marks: Rows by their combination of marks' bits.
    """

    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    marks: Counter[int] = field(default_factory=Counter)

    def add(self, tally: expressions.Tally, rows: int) -> None:
        """Count rows of one tally."""
        self.rows += rows
        self.marks[tally.marks] += rows
        if tally.rule is not None:
            self.dropped[tally.rule] += rows


@dataclass(frozen=True)
class Written:
    """Counts of the trips that were written.

    Attributes:
        inputs: Counts by input file.
        trips: Trips by month.
        dropped: Rows that each rule dropped.
    """

    inputs: Mapping[Path, InputRows]
    trips: Mapping[Month, int]
    dropped: Mapping[str, int]

    @property
    def rows(self) -> int:
        """The rows of all files."""
        return sum(one.rows for one in self.inputs.values())

    @property
    def kept(self) -> int:
        """The trips of all months."""
        return sum(self.trips.values())

    @property
    def marked(self) -> dict[str, int]:
        """The rows that have each mark."""
        return {
            mark.name: sum(
                rows
                for one in self.inputs.values()
                for bits, rows in one.marks.items()
                if bits & mark.bit
            )
            for mark in MARKS
        }


class EtlRun:
    """One run. Its methods are called in their order.

    Args:
        engine: The engine.
        sources: The input files.
        new: Folder for the output.
        run_id: Name of the run, which begins the names of its files.
        now: The present time in the city.
        progress: Receives percents of the run and names of steps.
    """

    def __init__(
        self,
        engine: Engine,
        sources: Sequence[Source],
        *,
        new: Path,
        run_id: str,
        now: datetime,
        progress: Advance,
    ) -> None:
        self._engine = engine
        self._sources = sources
        self._new = new
        self._run_id = run_id
        self._now = now
        self._progress = progress
        self._inputs = [(group, engine.read(group)) for group in group_sources(sources)]
        self._repeats: ibis.Table | None = None
        self._percent = 0.0

    def write_trips(self) -> Written:
        """Write the trips.

        Raises:
            DataError: A file has rows that were not read.
        """
        folder = self._new / TRIPS
        found = self._engine.write_distinct(
            expressions.with_tally(self._classified()).drop("rule", "marks", "raw"),
            folder,
            by=expressions.MONTH,
            key="trip_id",
            kept=expressions.KEPT,
            tally=expressions.TALLY,
            progress=self._step("parse and write trips", 1.0),
        )
        self._repeats = found.candidates
        inputs = self._by_path(found.tallies)
        dropped = Counter({DUPLICATE: found.repeated})
        for one in inputs.values():
            dropped.update(one.dropped)
        for number, path in enumerate(sorted(folder.rglob("*.parquet"))):
            path.rename(path.with_name(f"{self._run_id}-{number}.parquet"))
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            if not path.name.startswith(self._run_id):
                path.unlink()
        return Written(inputs, count_months(folder), {name: dropped[name] for name in NAMES})

    def examples(self, rule: str, source: Source) -> list[dict[str, str]]:
        """The first three rows of a file that a rule dropped, as the file has them.

        Args:
            rule: Name of the rule; not `DUPLICATE`, which needs the other rows.
            source: The file.
        """
        rows = expressions.broken(self._classified(), NAMES.index(rule), str(source.path))
        texts = self._engine.fetch_first(rows, 3)["raw"].to_pylist()
        return [dict(zip(COLUMNS, text.split(RAW_SEPARATOR), strict=True)) for text in texts]

    def repeated(self) -> list[str]:
        """Three identifiers that occur again."""
        if self._repeats is None:
            return []
        found = self._engine.fetch(self._repeats.select("trip_id").distinct().limit(3))
        return [str(one) for one in found["trip_id"].to_pylist()]

    def write_hourly(self, months: Sequence[Month]) -> Hours:
        """Write the demand of every month on the complete grid.

        Returns:
            The hours of the grid.
        """
        self._step("sum up hourly demand", 1.0)
        if not months:
            return np.array([], dtype="datetime64[us]")
        trips = self._engine.read_parquet(self._new / TRIPS)
        sums = self._engine.fetch(expressions.demand(trips))
        hours = []
        for year, month in sorted(months):
            mine = pc.and_(pc.equal(sums["year"], year), pc.equal(sums["month"], month))
            grid = complete_month(sums.filter(mine), now=self._now)
            folder = self._new / HOURLY / f"year={year}" / f"month={month}"
            with write_errors(folder):
                folder.mkdir(parents=True)
                pq.write_table(grid, folder / f"{self._run_id}-0.parquet", compression="zstd")
            hours.append(np.unique(grid["hour"].to_numpy()))
        return np.concatenate(hours)

    def write_quarantine(self, destination: Path, *, expected: int) -> None:
        """Write the dropped rows. The input is read once more, which only this option costs.

        Raises:
            DataError: The number of rows differs from the number of dropped rows.
        """
        folder = self._new.parent / "quarantine"
        if expected:
            droppable = self._new.parent / "droppable"
            rows = expressions.droppable(self._classified(), self._repeats)
            progress = self._step("write the quarantine", expected)
            self._engine.write(rows, droppable, by=(), progress=progress)
            found = expressions.quarantined(self._engine.read_parquet(droppable))
            self._engine.write(found, folder, by=())
        schema = pa.schema([(name, pa.string()) for name in ("source", "rule", *COLUMNS)])
        written = 0
        with write_errors(destination), pq.ParquetWriter(destination, schema) as file:
            for path in sorted(folder.rglob("*.parquet")):
                for batch in pq.ParquetFile(path).iter_batches():
                    table = pa.Table.from_batches([batch])
                    names = pa.array(NAMES).take(table["rule"].combine_chunks())
                    file.write_table(
                        table.set_column(1, "rule", names).select(schema.names).cast(schema)
                    )
                    written += batch.num_rows
        if written != expected:
            raise DataError(
                f"{expected} rows were dropped, but {written} are in the quarantine. An input "
                "file changed while it was read? Run again."
            )

    def _classified(self) -> ibis.Table:
        return expressions.classified(self._inputs, self._engine.functions, now=self._now)

    def _by_path(self, tallies: Mapping[tuple[int, int], int]) -> dict[Path, InputRows]:
        """Counts by file, compared with the number of rows in the file's footer if it has one."""
        paths = [str(source.path) for source in self._sources]
        files = self._engine.fetch(expressions.files(paths, self._engine.functions))
        known = dict(zip(files["file"].to_pylist(), files["source"].to_pylist(), strict=True))
        if {file for file, _ in tallies} - set(known):
            raise DataError(
                "A file was read that is not an input. Rename inputs whose names contain "
                "characters of patterns, such as brackets."
            )
        found = {source.path: InputRows() for source in self._sources}
        for (file, tally), number in tallies.items():
            found[Path(known[file])].add(expressions.Tally.of(tally), number)
        for source in self._sources:
            # Without reading a text file, it is only known whether it has any row.
            rows = found[source.path].rows
            if source.rows not in {None, rows} or (not rows and holds_rows(source)):
                raise DataError(
                    f"{source.path} has rows that were not read: only {rows} were. Was it "
                    "changed just now? Run again."
                )
        return found

    def finish(self) -> None:
        """Report that the run is done."""
        self._reach(100.0, "done")

    def _step(self, step: str, total: float) -> Advance:
        """Begin a step, and report progress within it by amounts that sum to the total."""
        begin, end = _PERCENT[step]
        done = 0.0
        self._reach(begin, step)

        def advance(amount: float = 1, step: str | None = None) -> None:
            nonlocal done
            done += amount
            self._reach(begin + (end - begin) * min(done / total, 1.0), step)

        return advance

    def _reach(self, percent: float, step: str | None) -> None:
        self._progress(max(percent - self._percent, 0.0), step)
        self._percent = max(percent, self._percent)


def count_months(folder: Path) -> dict[Month, int]:
    """Number of rows of each year and month, by the files' footers.

    Raises:
        DataError: A file is not readable.
    """
    rows: Counter[Month] = Counter()
    for path in folder.glob("year=*/month=*/*.parquet"):
        month = path.parent.name.removeprefix("month=")
        year = path.parent.parent.name.removeprefix("year=")
        try:
            rows[int(year), int(month)] += pq.read_metadata(path).num_rows
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{path} is not a readable Parquet file: {error}. Remove the folder of its month, "
                "and run `etl` on that month's files."
            ) from error
    return dict(rows)
