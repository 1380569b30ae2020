"""The history that a forecast uses: trips by clock hour and area, as one matrix.

Rows are consecutive hours of the wall clock, so that a week earlier is always 168 rows before. An
unknown hour is NaN and not zero: the hour that the clock skips in March, and hours in a stretch
without a trip in the whole city that is too long (`chicagotaxi.unknown_hours`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from modelseal.path_kinds import kind_of
from servicekit.files import DataError, read_errors

from chicagotaxi.clock import HOUR, Hours
from chicagotaxi.file_formats import check_engine_path
from chicagotaxi.schema import HOURLY
from chicagotaxi.unknown_hours import quiet_too_long

Float32Array = npt.NDArray[np.float32]

# A longer history results from a wrong date, and would fill the memory with NaN.
MAX_HOURS: Final = 40 * 366 * 24


@dataclass(frozen=True)
class Panel:
    """Hourly demand of some areas.

    Attributes:
        start: The first hour.
        areas: Numbers of the areas, ascending.
        trips: Hours x areas, float32; NaN where unknown.
        fare: Mean fare of these trips in dollars, or NaN; None without any fares.
        miles: Mean distance in miles, likewise.
    """

    start: np.datetime64
    areas: tuple[int, ...]
    trips: Float32Array
    fare: Float32Array | None = None
    miles: Float32Array | None = None

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> "Panel":
        """Make a panel of a table: `hour`, `area`, `trips` and optional `avg_fare`, `avg_miles`.

        Rows may be missing and in any order; an hour and area that occurs twice is an error. Zeros
        of all areas over too many hours become NaN (`chicagotaxi.unknown_hours`): earlier releases
        wrote such zeros, and so do other sources.

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
                f"The hourly demand goes from {start} to {end}, which is too long. Look for a trip "
                "with a wrong date in its source."
            )
        areas, columns = np.unique(frame["area"].to_numpy(dtype=np.int64), return_inverse=True)
        rows = ((hours - start) / HOUR).astype(np.int64)
        places = rows * len(areas) + columns
        if len(np.unique(places)) != len(places):
            raise DataError(
                "The hourly demand has an hour and area twice. Give the folder that `etl` wrote."
            )

        def matrix(column: str) -> Float32Array:
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
        """The hour after the last one, where a forecast begins."""
        return self.start + len(self.trips) * HOUR

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Whether each hour is known, which it is if any area is."""
        return np.asarray(np.isfinite(self.trips).any(axis=1))

    def index(self, hour: np.datetime64) -> int:
        """The row of an hour, which may be outside."""
        return int((hour - self.start) / HOUR)

    def until(self, row: int) -> "Panel":
        """The hours before a row."""
        return self._part(slice(None, row), slice(None))

    def since(self, row: int) -> "Panel":
        """The hours from a row on."""
        part = self._part(slice(row, None), slice(None))
        return replace(part, start=self.start + row * HOUR)

    def select(self, areas: Sequence[int]) -> "Panel":
        """The same hours of some areas."""
        return self._part(slice(None), [self.areas.index(area) for area in areas])

    def _part(self, rows: slice, columns: slice | list[int]) -> "Panel":
        fare, miles = (
            None if values is None else values[rows, columns] for values in (self.fare, self.miles)
        )
        areas = tuple(np.asarray(self.areas)[columns].tolist())
        return Panel(self.start, areas, self.trips[rows, columns], fare, miles)


def read_hourly(out: Path) -> Panel:
    """Read the hourly demand that `etl` wrote.

    Args:
        out: The pipeline's output folder, or the folder ``hourly`` in it.

    Raises:
        DataError: There is none, or it cannot be read.
    """
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
            # Reading a pipe would wait for a writer.
            raise DataError(f"{path} is not a file. Remove it, and run `etl` again.")
    columns = ["hour", "area", "trips", "avg_fare", "avg_miles"]
    try:
        table = ds.dataset(files, format="parquet").to_table(columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{folder} cannot be read as hourly demand: {error}. Run `etl` again."
        ) from error
    return Panel.from_frame(table.to_pandas())
