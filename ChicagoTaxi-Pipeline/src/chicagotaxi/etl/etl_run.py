"""The steps of one run, between the engine and the folder of its output."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from servicekit.files import DataError, write_errors

from chicagotaxi.etl import expressions
from chicagotaxi.etl.engines import Engine, Fraction, RowsWritten
from chicagotaxi.etl.grid import complete_month
from chicagotaxi.etl.parse import RAW_SEPARATOR
from chicagotaxi.etl.rules import NAMES
from chicagotaxi.etl.time_zones import MARKS
from chicagotaxi.schema import HOURLY, TRIPS
from chicagotaxi.sources.columns import COLUMNS
from chicagotaxi.sources.input_files import Source, group_sources, holds_rows

# Told the step, and how much of the whole is done, from 0 to 1.
Progress = Callable[[str, float], None]
Month = tuple[int, int]

# Where each step begins and ends on the progress bar.
_SHARES: Final = {
    "parse and write trips": (0.0, 0.92),
    "sum up hourly demand": (0.92, 0.97),
    "write the quarantine": (0.97, 1.0),
}


@dataclass
class InputRows:
    """What was counted of a file's rows.

    Attributes:
        rows: All of them.
        dropped: Those that broke a rule, by the first; repeats of an identifier are not known yet.
        marks: How many have each combination of marks' bits.
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
    """What was counted as trips were written.

    Attributes:
        inputs: Of each file.
        trips: The trips of each month.
        dropped: The rows that each rule dropped.
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


class Steps:
    """One run's work, to be done in the order of the methods.

    Args:
        engine: What computes.
        sources: The input files.
        new: Where the output is gathered.
        run_id: What its files are named after.
        now: The present time in Chicago.
        progress: Told how far the work is.
    """

    def __init__(
        self,
        engine: Engine,
        sources: Sequence[Source],
        *,
        new: Path,
        run_id: str,
        now: datetime,
        progress: Progress,
    ) -> None:
        self._engine = engine
        self._sources = sources
        self._new = new
        self._rejects = new.parent / "rejects"
        self._run_id = run_id
        self._now = now
        self._progress = progress
        self._inputs = [(group, engine.read(group)) for group in group_sources(sources)]

    def write_trips(self) -> Written:
        """Write the trips; what was counted.

        Raises:
            DataError: A file holds rows that were not read.
        """
        written = self._new / TRIPS
        tallies = self._engine.write_once(
            expressions.placed(self._classified()).drop("rule", "marks", "raw"),
            written,
            by=expressions.PLACE,
            key="trip_id",
            aside=(0, expressions.REPEATED),
            tally=expressions.TALLY,
            progress=self._in("parse and write trips"),
        )
        inputs = self._by_path(tallies)
        with write_errors(self._rejects):
            self._rejects.mkdir()
            if (written / "year=0").is_dir():
                (written / "year=0").rename(self._rejects / "year=0")
        dropped = dict.fromkeys(NAMES, 0)
        for place, found in count_months(self._rejects).items():
            dropped[NAMES[place[1]]] = found
        if (aside := self._aside()) is not None:
            dropped[NAMES[expressions.REPEATED]] -= self._add_firsts(aside)
        for number, path in enumerate(sorted(written.rglob("*.parquet"))):
            path.rename(path.with_name(f"{self._run_id}-{number}.parquet"))
        for path in [path for path in written.rglob("*") if path.is_file()]:
            if not path.name.startswith(self._run_id):
                path.unlink()
        return Written(inputs, count_months(written), dropped)

    def examples(self, rule: str, source: Source) -> list[dict[str, str]]:
        """The first three rows of a file that a rule dropped, as the file has them.

        Args:
            rule: Its name; not `DUPLICATE`, which needs the other rows.
            source: The file.
        """
        rows = expressions.examples(
            self._classified(),
            NAMES.index(rule),
            str(source.path),
            ordered=self._engine.leaves_first,
        )
        texts = self._engine.fetch(rows)["raw"].to_pylist()
        return [dict(zip(COLUMNS, text.split(RAW_SEPARATOR), strict=True)) for text in texts]

    def repeated(self) -> list[str]:
        """Three identifiers of trips that were put aside as repeats."""
        aside = self._aside()
        if aside is None:
            return []
        found = self._engine.fetch(aside.select("trip_id").distinct().limit(3))
        return [str(one) for one in found["trip_id"].to_pylist()]

    def write_hourly(self, months: Sequence[Month]) -> npt.NDArray[np.datetime64]:
        """Write the demand of every month on the complete grid; its hours."""
        self._in("sum up hourly demand")(0.0)
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
        """Write the dropped rows: in one more reading, which only whoever wants them pays for.

        Raises:
            DataError: They are not as many as were dropped.
        """
        folder = self._new.parent / "quarantine"
        if expected:
            droppable = self._new.parent / "droppable"
            rows = expressions.droppable(self._classified(), self._aside())
            progress = self._rows_in("write the quarantine", expected)
            self._engine.write(rows, droppable, by=(), progress=progress)
            found = expressions.quarantined(self._engine.read_parquet(droppable))
            self._engine.write(found, folder, by=(), progress=lambda _rows: None)
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
                "file was changed while it was read? Run again."
            )

    def _classified(self) -> ibis.Table:
        return expressions.classified(self._inputs, self._engine.functions, now=self._now)

    def _by_path(self, tallies: Mapping[tuple[int, int], int]) -> dict[Path, InputRows]:
        """What was counted of each file, whose rows are as many as it says where it says so."""
        paths = [str(source.path) for source in self._sources]
        files = self._engine.fetch(expressions.files(paths, self._engine.functions))
        known = dict(zip(files["file"].to_pylist(), files["source"].to_pylist(), strict=True))
        if {file for file, _ in tallies} - set(known):
            raise DataError(
                "A file was read that is no input. Rename the inputs whose names have signs of "
                "patterns, such as brackets."
            )
        found = {source.path: InputRows() for source in self._sources}
        for (file, tally), number in tallies.items():
            found[Path(known[file])].add(expressions.Tally.of(tally), number)
        for source in self._sources:
            # Of text, only whether there is any row is known without reading it all.
            rows = found[source.path].rows
            if source.rows not in {None, rows} or (not rows and holds_rows(source)):
                raise DataError(
                    f"{source.path} has rows that were not read: only {rows} were. Was it "
                    "changed just now? Run again."
                )
        return found

    def _aside(self) -> ibis.Table | None:
        """The trips that were put aside, if any."""
        folder = self._rejects / f"year=0/month={expressions.REPEATED}"
        return self._engine.read_aside(folder, key="trip_id") if folder.is_dir() else None

    def _add_firsts(self, aside: ibis.Table) -> int:
        """Put those trips beside the others that nothing came before; how many they are."""
        firsts = expressions.firsts(aside)
        if self._engine.leaves_first:
            trips = self._engine.read_parquet(self._new / TRIPS)
            firsts = expressions.unless_written(firsts, trips)
        folder = self._rejects / "firsts"
        self._engine.write(firsts, folder, by=expressions.PLACE, progress=lambda _rows: None)
        moved = 0
        with write_errors(self._new):
            for path in sorted(folder.rglob("*.parquet")):
                target = self._new / TRIPS / path.parent.relative_to(folder)
                target.mkdir(parents=True, exist_ok=True)
                moved += pq.read_metadata(path).num_rows
                path.rename(target / f"first-{path.name}")
        return moved

    def _in(self, step: str) -> Fraction:
        begin, end = _SHARES[step]
        return lambda share: self._progress(step, begin + (end - begin) * min(share, 1.0))

    def _rows_in(self, step: str, rows: int) -> RowsWritten:
        told, written = self._in(step), 0
        told(0.0)

        def progress(more: int) -> None:
            nonlocal written
            written += more
            told(written / rows)

        return progress


def count_months(folder: Path) -> dict[Month, int]:
    """How many rows the files of each year and month have, by their footers."""
    rows: dict[Month, int] = {}
    for path in folder.glob("year=*/month=*/*.parquet"):
        month = path.parent.name.removeprefix("month=")
        year = path.parent.parent.name.removeprefix("year=")
        place = (int(year), int(month))
        try:
            rows[place] = rows.get(place, 0) + pq.read_metadata(path).num_rows
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{path} is not a readable Parquet file: {error}. Remove the folder of its month, "
                "and run `etl` on that month's files."
            ) from error
    return rows
