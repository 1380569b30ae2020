"""Hindcast: predictions from many origins in the past, as one batch.

The batch has the format of the batch that is served, with an additional column ``origin``.
"""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
from modelseal import OpenedModel
from modelseal.path_kinds import kind_of
from servicekit.files import DataError, read_errors
from servicekit.progress import Advance, silent
from servicekit.training_rows import ROW_SKETCH, RowSketch, digest_rows

from chicagotaxi.batch.predict import identity
from chicagotaxi.batch.reader import BatchError, BatchInfo, TrainingOverlap, read_pointer
from chicagotaxi.batch.workers import ORIGIN, forecast_origins, origins_schema
from chicagotaxi.batch.writer import write_batch
from chicagotaxi.etl.engines import Engine
from chicagotaxi.forecast.features import WINDOW
from chicagotaxi.forecast.sealed_model import SealedForecast
from chicagotaxi.forecast.sufficiency import check_to_forecast, enough_to_forecast
from chicagotaxi.forecast.trained_on import trained_rows
from chicagotaxi.history.panel import Panel


def find_origins(
    panel: Panel, every: int, *, notice: Callable[[str], None] = lambda _text: None
) -> list[int]:
    """The origins from the eighth week of a history on, as rows of its panel.

    Raises:
        DataError: There is no origin.
    """
    possible = range(WINDOW, len(panel.trips) + 1, every)
    if not possible:
        raise DataError(
            f"The history has {len(panel.trips)} hours; a forecast looks back on {WINDOW} (eight "
            "weeks). Run `etl` on more trips."
        )
    found = enough_to_forecast(panel, possible)
    if not found:
        check_to_forecast(panel.until(possible[-1]))
    if left_out := len(possible) - len(found):
        notice(
            f"Left out {left_out:,} of {len(possible):,} origins: too few hours of the eight weeks "
            "before them are known."
        )
    return found


def hindcast(
    engine: Engine,
    sealed: SealedForecast,
    panel: Panel,
    rows: list[int],
    destination: Path,
    *,
    progress: Advance = silent,
) -> BatchInfo:
    """Forecast a week from each origin (a row of the panel) and write all of it as a batch.

    Raises:
        SealedModelError: The model is refused, here or by a worker.
        DataError: It cannot be written, or the folder has the batches that are served. The
            folder's current batch is as it was.
    """
    _refuse_served(destination)
    return write_batch(
        destination,
        lambda folder: forecast_origins(
            engine, sealed, panel, rows, folder, named=True, progress=progress
        ),
        schema=origins_schema(named=True),
        model=identity(sealed.opened()),
        interval=sealed.model().intervals.coverage,
        training_overlap=training_overlap(sealed.opened(), panel, rows[0]),
    )


def training_overlap(opened: OpenedModel, panel: Panel, first: int) -> TrainingOverlap | None:
    """The share of the forecast rows that a model was trained on.

    Returns:
        Counts of hours and areas with trips; None if the model has no sketch of its training rows.
    """
    sketch = opened.manifest.data.get(ROW_SKETCH)
    if not isinstance(sketch, dict):
        return None
    found = RowSketch.from_json(sketch).overlap(digest_rows(trained_rows(panel, first)))
    return TrainingOverlap(
        rows=found.rows, compared=found.compared, seen=found.seen, share=found.share
    )


def _refuse_served(folder: Path) -> None:
    """Refuse the folder of a service, which cannot read batches of this kind."""
    try:
        current = read_pointer(folder)
    except BatchError as error:
        raise DataError(str(error)) from error
    for part in sorted((folder / current).glob("part-*.parquet")) if current else ():
        with read_errors(part):
            kind = kind_of(part)
        if kind != "file":
            raise DataError(f"{part} is not a file. Give another folder.")
        if ORIGIN not in pq.read_schema(part).names:
            raise DataError(
                f"{folder} holds the batches of `predict`, which are served. Give another folder."
            )
