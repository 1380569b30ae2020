"""What would have been forecast: the predictions of many origins in the past, in one file.

The origins are independent of each other, so they are forecast in threads, each on one core (the
trees are evaluated outside Python's lock), and written as they come: memory holds a few weeks of
predictions, however many there are.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from servicekit.files import DataError, NewFile, write_errors

from chicagotaxi.features import WINDOW
from chicagotaxi.forecast import ForecastModel
from chicagotaxi.panel import Panel
from chicagotaxi.predict import table
from chicagotaxi.schema import prediction_schema

__all__ = ["Hindcast", "hindcast", "origins"]

_ORIGIN: Final = pa.field("origin", pa.timestamp("us"), nullable=False)


@dataclass(frozen=True)
class Hindcast:
    """What was written: how many origins, and how many rows."""

    origins: int
    rows: int


def origins(panel: Panel, every: int) -> list[int]:
    """The rows of a panel to forecast from: from the eighth week on, so many hours apart.

    Raises:
        DataError: There is none.
    """
    found = list(range(WINDOW, len(panel.trips) + 1, every))
    if not found:
        raise DataError(
            f"The history has {len(panel.trips)} hours; to look back on it takes {WINDOW} (eight "
            "weeks). Run `etl` on more trips."
        )
    return found


def hindcast(
    model: ForecastModel,
    panel: Panel,
    rows: list[int],
    destination: Path,
    *,
    progress: Callable[[int], None] = lambda _rows: None,
) -> Hindcast:
    """Forecast a week from each origin, and write all of it as Parquet, with a column ``origin``.

    Args:
        model: The forecast.
        panel: The history; no origin sees what came after it.
        rows: The origins, as rows of the panel.
        destination: The file to write. It appears when it is complete.
        progress: Told how many rows more were written.

    Raises:
        DataError: It cannot be written.
    """
    written = 0
    with NewFile(destination) as file, write_errors(destination):
        schema = prediction_schema().insert(0, _ORIGIN)
        with pq.ParquetWriter(file.path, schema, compression="zstd") as writer:
            for forecast in _in_order(lambda row: _forecast(model, panel, row), rows):
                writer.write_table(forecast)
                written += forecast.num_rows
                progress(forecast.num_rows)
    return Hindcast(len(rows), written)


def _forecast(model: ForecastModel, panel: Panel, row: int) -> pa.Table:
    past = panel.until(row)
    forecast = table(model, model.predict(past), past)
    origin = np.full(forecast.num_rows, past.end.astype("datetime64[us]"))
    return forecast.add_column(0, _ORIGIN, pa.array(origin))


def _in_order(work: Callable[[int], pa.Table], rows: list[int]) -> Iterator[pa.Table]:
    """The results in the order of the origins, and never more than a few of them at once."""
    workers = os.cpu_count() or 1
    waiting: deque[Future[pa.Table]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="hindcast") as pool:
        for row in rows:
            waiting.append(pool.submit(work, row))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
