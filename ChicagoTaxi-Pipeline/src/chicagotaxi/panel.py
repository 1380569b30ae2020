"""The history that a forecast is made from: trips by clock hour and area, as one matrix.

Rows are consecutive hours of the wall clock, so that "a week earlier" is always 168 rows up. An
hour without data, such as the one that the clock skips in March, is NaN and not zero; so is one in
a stretch in which the whole city has no trip for too long (`chicagotaxi.gaps`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from modelseal.paths import kind_of
from servicekit.files import DataError, read_errors

from chicagotaxi.calendar import HOUR, Hours
from chicagotaxi.file_kinds import check_engine_path
from chicagotaxi.gaps import quiet_too_long
from chicagotaxi.schema import HOURLY

__all__ = ["MAX_HOURS", "Floats", "Panel", "read_hourly"]

Floats = npt.NDArray[np.float32]

# A longer axis than this comes from a wrong date, and would fill the memory with NaN.
MAX_HOURS: Final = 40 * 366 * 24


@dataclass(frozen=True)
class Panel:
    """Hourly demand of some areas.

    Attributes:
        start: The first hour.
        areas: The areas' numbers, ascending.
        trips: Hours x areas; NaN where nothing is known.
        fare: The mean fare of these trips, or NaN; None where fares are not known at all.
        miles: Their mean distance, likewise.
    """

    start: np.datetime64
    areas: tuple[int, ...]
    trips: Floats
    fare: Floats | None = None
    miles: Floats | None = None

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> "Panel":
        """Make one of a table with `hour`, `area`, `trips` and perhaps `avg_fare`, `avg_miles`.

        Rows may be missing and in any order; an hour and area that comes twice is an error. Zeros
        of all areas in a stretch that is too long to be known become NaN (`chicagotaxi.gaps`):
        releases before that rule wrote them, and so do other sources.

        Raises:
            DataError: The table is empty, or has an hour and area twice.
        """
        if frame.empty:
            raise DataError("The hourly demand has no rows. Run `etl` on trips first.")
        hours = frame["hour"].to_numpy(dtype="datetime64[h]")
        start, end = hours.min(), hours.max()
        length = int((end - start) / HOUR) + 1
        if length > MAX_HOURS:
            raise DataError(
                f"The hourly demand goes from {start} to {end}, which cannot be. Look for a trip "
                "with a wrong date in its source."
            )
        areas, columns = np.unique(frame["area"].to_numpy(dtype=np.int64), return_inverse=True)
        rows = ((hours - start) / HOUR).astype(np.int64)
        places = rows * len(areas) + columns
        if len(np.unique(places)) != len(places):
            raise DataError(
                "The hourly demand has an hour and area twice. Give the folder that `etl` wrote."
            )

        def matrix(column: str) -> Floats:
            values = np.full(length * len(areas), np.nan, dtype=np.float32)
            values[places] = frame[column].to_numpy(dtype=np.float32)
            return values.reshape(length, len(areas))

        trips = matrix("trips")
        known = np.isfinite(trips)
        totals = np.where(known.any(axis=1), np.where(known, trips, 0).sum(axis=1), np.nan)
        trips[quiet_too_long(start + np.arange(length) * HOUR, totals)] = np.nan
        return cls(
            start=start,
            areas=tuple(areas.tolist()),
            trips=trips,
            fare=matrix("avg_fare") if "avg_fare" in frame else None,
            miles=matrix("avg_miles") if "avg_miles" in frame else None,
        )

    @property
    def hours(self) -> Hours:
        """All hours, in order."""
        return self.start + np.arange(len(self.trips)) * HOUR

    @property
    def end(self) -> np.datetime64:
        """The first hour after the last one: where a forecast begins."""
        return self.start + len(self.trips) * HOUR

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which hours are known: those with the trips of any area."""
        return np.asarray(np.isfinite(self.trips).any(axis=1))

    def index(self, hour: np.datetime64) -> int:
        """The row of an hour, which may lie outside."""
        return int((hour - self.start) / HOUR)

    def until(self, row: int) -> "Panel":
        """The hours before a row, and nothing that came later."""
        return Panel(
            start=self.start,
            areas=self.areas,
            trips=self.trips[:row],
            fare=None if self.fare is None else self.fare[:row],
            miles=None if self.miles is None else self.miles[:row],
        )

    def select(self, areas: Sequence[int]) -> "Panel":
        """The same hours of some areas."""
        columns = [self.areas.index(area) for area in areas]
        return Panel(
            start=self.start,
            areas=tuple(areas),
            trips=self.trips[:, columns],
            fare=None if self.fare is None else self.fare[:, columns],
            miles=None if self.miles is None else self.miles[:, columns],
        )


def read_hourly(out: Path) -> Panel:
    """Read the hourly demand that `etl` wrote.

    Args:
        out: The pipeline's output folder, or the folder ``hourly`` in it.

    Raises:
        DataError: There is none, or it cannot be read.
    """
    import pyarrow as pa  # noqa: PLC0415 - a service reads a history only if it forecasts
    import pyarrow.dataset as ds  # noqa: PLC0415

    check_engine_path(out)
    folder = out / HOURLY if (out / HOURLY).is_dir() else out
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise DataError(
            f"There is no hourly demand in {out}. Give the folder that `etl` wrote, or run `etl`."
        )
    for path in files:
        with read_errors(path):
            kind = kind_of(path)
        if kind != "file":
            # Reading a pipe would wait for somebody to write into it.
            raise DataError(f"{path} is not a file. Remove it, and run `etl` again.")
    columns = ["hour", "area", "trips", "avg_fare", "avg_miles"]
    try:
        table = ds.dataset(files, format="parquet").to_table(columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{folder} cannot be read as hourly demand: {error}. Run `etl` again."
        ) from error
    return Panel.from_frame(table.to_pandas())
