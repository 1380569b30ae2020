"""Forecasts from many origins, on an engine's workers.

Forecasts from different origins are independent, so that an engine can apply `OriginForecasts` to a
table of origins in any process. It identifies the sealed model and the history by path and digest,
and opens each once in a process.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from servicekit.files import DataError
from servicekit.progress import Advance, silent
from servicekit.spark.errors import worker_refusals

from chicagotaxi.arrow_schemas import prediction_schema
from chicagotaxi.etl.engines.protocol import Engine
from chicagotaxi.forecast.rows import week_after
from chicagotaxi.forecast.sealed_model import SealedForecast
from chicagotaxi.history.panel import Panel

ORIGIN: Final = "origin"
# Origins of a file, which is a unit of work: some 200,000 rows of 77 areas.
_ORIGINS: Final = 16

_FIELD: Final = pa.field(ORIGIN, pa.timestamp("us"), nullable=False)
_READING: Final = Lock()


@dataclass(frozen=True)
class OriginForecasts:
    """A function from a batch of origins to their forecasts, for `Engine.apply`.

    Attributes:
        model: The sealed model.
        history: File of the history (`save_history`).
        history_sha256: SHA-256 of that file.
        named: Whether rows have a first column ``origin``.
    """

    model: SealedForecast
    history: Path
    history_sha256: str
    named: bool

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Forecast the week after each origin.

        Raises:
            SealedModelError: The model is refused in this process.
            DataError: The file is not the history that was saved.
        """
        forecaster = self.model.predictor()
        with _READING:
            panel = _read_history(self.history, self.history_sha256)
        schema = origins_schema(named=self.named)
        weeks = [schema.empty_table()]
        for origin in batch[ORIGIN].to_numpy():
            week = week_after(forecaster.model, panel, origin, forecaster.trained_on)
            if self.named:
                week = week.add_column(0, _FIELD, pa.array(np.full(len(week), origin)))
            weeks.append(week)
        columns = [column.combine_chunks() for column in pa.concat_tables(weeks).columns]
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def origins_schema(*, named: bool) -> pa.Schema:
    """The columns of forecasts, with the first column ``origin`` or without it."""
    schema = prediction_schema()
    return schema.insert(0, _FIELD) if named else schema


def forecast_origins(
    engine: Engine,
    model: SealedForecast,
    panel: Panel,
    rows: Sequence[int],
    folder: Path,
    *,
    named: bool,
    progress: Advance = silent,
) -> Path:
    """Forecast from origins on an engine, in a folder that workers must have under the same path.

    Returns:
        The folder of the forecasts, as Parquet files.

    Raises:
        SealedModelError: A worker refuses the model.
        DataError: Something cannot be written, or a worker fails.
    """
    # Workers may run in another folder.
    history = folder.absolute() / "history.npz"
    forecasts = OriginForecasts(model, history, save_history(panel, history), named)
    origins = folder / "origins"
    origins.mkdir()
    hours = (panel.start + np.asarray(rows) * np.timedelta64(1, "h")).astype("datetime64[us]")
    for number in range(0, len(hours), _ORIGINS):
        some = pa.table([pa.array(hours[number : number + _ORIGINS])], schema=pa.schema([_FIELD]))
        pq.write_table(some, origins / f"origins-{number:08d}.parquet")
    with worker_refusals(model.folder):
        engine.apply(
            origins,
            forecasts,
            origins_schema(named=named),
            folder / "forecasts",
            rows=1,
            progress=progress,
        )
    return folder / "forecasts"


def save_history(panel: Panel, path: Path) -> str:
    """Write a history for workers, without rounding, and return the file's SHA-256."""
    known = {"trips": panel.trips, "fare": panel.fare, "miles": panel.miles}
    start = panel.start.astype("datetime64[h]").astype(np.int64)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        start=start,
        areas=np.asarray(panel.areas),
        **{name: values for name, values in known.items() if values is not None},
    )
    path.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


@lru_cache(maxsize=1)
def _read_history(path: Path, sha256: str) -> Panel:
    contents = path.read_bytes()
    if hashlib.sha256(contents).hexdigest() != sha256:
        raise DataError(f"{path} is not the history that was written. Run the same command again.")
    with np.load(io.BytesIO(contents), allow_pickle=False) as arrays:
        return Panel(
            start=np.datetime64(int(arrays["start"]), "h"),
            areas=tuple(arrays["areas"].tolist()),
            trips=arrays["trips"],
            fare=arrays.get("fare"),
            miles=arrays.get("miles"),
        )
