"""The steps of one run, between the engine and the folder of its output."""

from collections.abc import Callable, Sequence
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

from chicagotaxi import expressions
from chicagotaxi.data import Source, group_sources, holds_rows
from chicagotaxi.dialects import COLUMNS
from chicagotaxi.engines import Engine, Fraction, RowsWritten
from chicagotaxi.grid import complete_month
from chicagotaxi.rules import NAMES
from chicagotaxi.schema import HOURLY, TRIPS

__all__ = ["Month", "Progress", "Steps", "count_months"]

# Told the step, and how much of the whole is done, from 0 to 1.
Progress = Callable[[str, float], None]
Month = tuple[int, int]

# Where each step begins and ends on the progress bar.
_SHARES: Final = {
    "count rows": (0.0, 0.2),
    "parse and write trips": (0.2, 0.92),
    "sum up hourly demand": (0.92, 0.97),
    "write the quarantine": (0.97, 1.0),
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
        self._again: ibis.Table | None = None

    def count(self) -> dict[Path, int]:
        """How many rows each file has; besides, which identifiers occur again."""
        prints = expressions.fingerprints(self._inputs, self._engine.functions)
        progress = self._in("count rows")
        if len(self._sources) > 1:
            counts = expressions.counted(prints, "file", "fingerprint")
            kept = self._engine.keep("counts", counts, progress=progress)
            repeated = expressions.repeated(kept)
            rows = self._by_path(kept.group_by("file").agg(rows=kept.rows.sum()))
        else:
            # Of one file, the counts of every identifier need not be kept.
            [source] = self._sources
            mine = prints.file == self._engine.functions.fingerprint(ibis.literal(str(source.path)))
            tally = expressions.tallied(expressions.counted(prints.filter(mine), "fingerprint"))
            kept = self._engine.keep("tally", tally, progress=progress)
            repeated = kept.select(fingerprint=kept.again.unnest())
            [found] = self._engine.fetch(kept.select("rows"))["rows"].to_pylist()
            rows = {source.path: int(found or 0)}
        again = self._engine.keep("again", repeated, progress=lambda _share: None)
        if self._engine.fetch(again.limit(1)).num_rows:
            self._again = again
        for source in self._sources:
            # Of text, only whether there is any row is known without reading it all.
            found = rows[source.path]
            if source.rows not in {None, found} or (not found and holds_rows(source)):
                raise DataError(
                    f"{source.path} has rows that were not read: only {found} were. Was it "
                    "changed just now? Run again."
                )
        return rows

    def write_trips(self, rows: int) -> tuple[dict[Month, int], dict[str, int]]:
        """Write the trips; how many each month has, and how many rows each rule dropped.

        Args:
            rows: How many were counted.
        """
        written = self._new / TRIPS
        self._engine.write(
            self._placed().drop("source", "rule", "raw"),
            written,
            by=expressions.PLACE,
            progress=self._rows_in("parse and write trips", rows),
        )
        with write_errors(self._rejects):
            self._rejects.mkdir()
            if (written / "year=0").is_dir():
                (written / "year=0").rename(self._rejects / "year=0")
        dropped = dict.fromkeys(NAMES, 0)
        for place, found in count_months(self._rejects).items():
            dropped[NAMES[place[1]]] = found
        if repeats := dropped[NAMES[expressions.REPEATED]]:
            dropped[NAMES[expressions.REPEATED]] = repeats - self._add_chosen()
        for number, path in enumerate(sorted(written.rglob("*.parquet"))):
            path.rename(path.with_name(f"{self._run_id}-{number}.parquet"))
        for path in [path for path in written.rglob("*") if path.is_file()]:
            if not path.name.startswith(self._run_id):
                path.unlink()
        return count_months(written), dropped

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
        rows = self._placed().filter(lambda t: t.year == 0)
        repeats = expressions.chosen(
            rows.filter(rows.rule.isnull(), rows.month == expressions.REPEATED)
        )
        others = rows.filter(rows.rule.notnull())
        found = ibis.union(
            expressions.quarantined(others),
            expressions.quarantined(
                repeats.filter(repeats.rank > 0).mutate(rule=ibis.literal(expressions.REPEATED))
            ),
        )
        folder = self._new.parent / "quarantine"
        progress = self._rows_in("write the quarantine", expected)
        self._engine.write(found, folder, by=(), progress=progress)
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

    def _placed(self) -> ibis.Table:
        rows = expressions.classified(self._inputs, self._engine.functions, now=self._now)
        return expressions.placed(rows, self._again, self._engine.functions)

    def _by_path(self, tallies: ibis.Table) -> dict[Path, int]:
        paths = [str(source.path) for source in self._sources]
        files = self._engine.fetch(expressions.files(paths, self._engine.functions))
        known = dict(zip(files["file"].to_pylist(), files["source"].to_pylist(), strict=True))
        rows = dict.fromkeys(map(Path, paths), 0)
        for one in self._engine.fetch(tallies).to_pylist():
            if one["file"] not in known:
                raise DataError(
                    "A file was read that is no input. Rename the inputs whose names have signs "
                    "of patterns, such as brackets."
                )
            rows[Path(known[one["file"]])] = int(one["rows"])  # a sum may be a decimal
        return rows

    def _add_chosen(self) -> int:
        """Put the chosen of the repeated trips beside the others; how many they are."""
        repeats = self._engine.read_parquet(self._rejects / f"year=0/month={expressions.REPEATED}")
        ranked = expressions.chosen(repeats.select(*COLUMNS))
        best = ranked.filter(ranked["rank"] == 0).select(
            *COLUMNS,
            year=lambda t: t.start.year().cast("int32"),
            month=lambda t: t.start.month().cast("int32"),
        )
        folder = self._rejects / "chosen"
        self._engine.write(best, folder, by=expressions.PLACE, progress=lambda _rows: None)
        moved = 0
        with write_errors(self._new):
            for path in sorted(folder.rglob("*.parquet")):
                target = self._new / TRIPS / path.parent.relative_to(folder)
                target.mkdir(parents=True, exist_ok=True)
                moved += pq.read_metadata(path).num_rows
                path.rename(target / f"chosen-{path.name}")
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
