"""Where a history comes from: the pipeline's output, a file of counts, or the sample."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from modelseal.paths import kind_of, printable
from pydantic import JsonValue
from servicekit.files import DataError, read_errors

from chicagotaxi.calendar import HOUR
from chicagotaxi.counts import read_counts
from chicagotaxi.panel import Panel, read_hourly
from chicagotaxi.schema import AREAS, read_status

__all__ = ["History", "read_history", "sample_history"]

History = tuple[Panel, dict[str, JsonValue]]
"""A history, and for the record what it is."""

# Of the sample's trips, these have a pickup area and break no other rule.
_CLEAN: Final = 0.9


def read_history(path: Path, *, notice: Callable[[str], None] = lambda _text: None) -> History:
    """Read a history.

    Args:
        path: The pipeline's output folder, or a CSV file of trips by hour and area.
        notice: Told what was read otherwise than it is written.

    Raises:
        DataError: It cannot be used.
    """
    with read_errors(path):
        kind = kind_of(path)
    if kind is None:
        raise DataError(
            f"{path} does not exist. Give the pipeline's output folder, or a CSV file of trips by "
            "hour and area."
        )
    if kind == "folder":
        about: dict[str, JsonValue] = {"source": printable(path.name)}
        status = read_status(path)
        if status is not None:
            about |= {"last_run": status.run_id, "rows_read_by_it": status.rows_read}
        return read_hourly(path), about
    counts = read_counts(path, notice=notice)
    return counts.panel, {
        "source": printable(path.name),
        "duplicates_left_out": counts.duplicates,
        "filled_with_zero": counts.filled,
        "converted_to_chicagos_clock": counts.converted,
    }


def sample_history(trips: int, *, seed: int, first: date, days: int) -> History:
    """The hourly demand of sample trips, drawn without drawing the trips.

    Args:
        trips: How many trips the sample would have.
        seed: Of every random choice.
        first: The first day.
        days: How many days.
    """
    from chicagotaxi.patterns import intensities  # noqa: PLC0415 - only samples need it

    hours, intensity = intensities(first, days, seed=seed)
    draw = np.random.default_rng([seed, 3])
    # The clock skips an hour of these days in March; it stays unknown.
    start = np.datetime64(first, "h")
    places = ((hours.astype("datetime64[h]") - start) / HOUR).astype(np.int64)
    demand = np.full((int(places[-1]) + 1, AREAS), np.nan, dtype=np.float32)
    demand[places] = draw.poisson(intensity * (trips * _CLEAN))
    panel = Panel(start=start, areas=tuple(range(1, AREAS + 1)), trips=demand)
    last = first + timedelta(days=days - 1)
    return panel, {
        "source": f"generated sample, {trips} trips, {first} to {last}, seed {seed}",
    }
