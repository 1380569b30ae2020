"""What would have been forecast: the predictions of many origins in the past, as one batch.

It is written like the batch that is served, and has a column ``origin`` more.
"""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
from modelseal import OpenedModel
from modelseal.paths import kind_of
from servicekit.files import DataError, read_errors
from servicekit.training_rows import ROW_SKETCH, RowSketch, digest_rows

from chicagotaxi.engines import Engine
from chicagotaxi.features import WINDOW
from chicagotaxi.new_batch import write_batch
from chicagotaxi.origins import ORIGIN, forecast_origins, origins_schema
from chicagotaxi.panel import Panel
from chicagotaxi.predict import identity
from chicagotaxi.predictions import BatchError, BatchInfo, TrainingOverlap, read_pointer
from chicagotaxi.sealed_forecast import SealedForecast
from chicagotaxi.sufficiency import check_to_forecast, enough_to_forecast
from chicagotaxi.trained_on import trained_rows

__all__ = ["hindcast", "origins", "training_overlap"]


def origins(
    panel: Panel, every: int, *, notice: Callable[[str], None] = lambda _text: None
) -> list[int]:
    """The rows of a panel to forecast from: from the eighth week on, so many hours apart.

    Args:
        panel: The history.
        every: Hours between two origins.
        notice: Told how many origins are left out, because too little is known before them.

    Raises:
        DataError: There is none.
    """
    possible = range(WINDOW, len(panel.trips) + 1, every)
    if not possible:
        raise DataError(
            f"The history has {len(panel.trips)} hours; to look back on it takes {WINDOW} (eight "
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
    progress: Callable[[int], None] = lambda _rows: None,
) -> BatchInfo:
    """Forecast a week from each origin, write all of it as a batch, and point to it.

    Args:
        engine: What does the work.
        sealed: The sealed model.
        panel: The history; no origin sees what came after it.
        rows: The origins, as rows of the panel.
        destination: A folder for batches of this kind.
        progress: Told how many rows more were written.

    Raises:
        SealedModelError: The model is refused, here or by a worker.
        DataError: It cannot be written, or the folder is that of the batches that are served.
            What the folder points to is as it was.
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
    """How much of what is forecast in the past a model was trained on.

    Args:
        opened: The sealed model.
        panel: The history.
        first: Its first row that is forecast; all after it are.

    Returns:
        Of the hours and areas with trips; None where the model does not say what it was trained on.
    """
    sketch = opened.manifest.data.get(ROW_SKETCH)
    if not isinstance(sketch, dict):
        return None
    found = RowSketch.from_json(sketch).overlap(digest_rows(trained_rows(panel, first)))
    return TrainingOverlap(
        rows=found.rows, compared=found.compared, seen=found.seen, share=found.share
    )


def _refuse_served(folder: Path) -> None:
    """Keep what a service reads: it would find a batch there that is not of its kind."""
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
                f"{folder} holds the batches that `predict` makes, which are served. Give another "
                "folder."
            )
