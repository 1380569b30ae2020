"""Reads a history from the pipeline's output or a file of counts, or generates a sample."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
from modelseal.path_kinds import kind_of, printable
from pydantic import JsonValue
from servicekit.files import DataError, read_errors

from chicagotaxi.city import AREAS
from chicagotaxi.clock import HOUR
from chicagotaxi.history.counts import read_counts
from chicagotaxi.history.panel import Panel, read_hourly
from chicagotaxi.sample.patterns import intensities
from chicagotaxi.sample.trips import SAMPLE_TRIPS, SampleOptions
from chicagotaxi.schema import read_status

History = tuple[Panel, dict[str, JsonValue]]
"""A history, and its description for the record."""

# Share of the sample's trips that have a pickup area and break no other rule.
_CLEAN: Final = 0.9


def read_history_or_sample(
    path: Path | None, *, seed: int, notice: Callable[[str], None] = lambda _text: None
) -> History:
    """Read a history, or generate the hourly demand of the sample if there is no path."""
    if path is not None:
        return read_history(path, notice=notice)
    return sample_history(SampleOptions(SAMPLE_TRIPS, seed=seed))


def read_history(path: Path, *, notice: Callable[[str], None] = lambda _text: None) -> History:
    """Read the pipeline's output folder, or a CSV file of trips by hour and area.

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


def sample_history(options: SampleOptions) -> History:
    """The hourly demand of sample trips, drawn without drawing the trips."""
    trips, seed, first = options.rows, options.seed, options.first
    hours, intensity = intensities(first, options.days, seed=seed)
    draw = np.random.default_rng([seed, 3])
    # An hour that the clock skips stays unknown.
    start = np.datetime64(first, "h")
    places = ((hours.astype("datetime64[h]") - start) / HOUR).astype(np.int64)
    demand = np.full((int(places[-1]) + 1, len(AREAS)), np.nan, dtype=np.float32)
    demand[places] = draw.poisson(intensity * (trips * _CLEAN))
    panel = Panel(start=start, areas=AREAS, trips=demand)
    last = first + timedelta(days=options.days - 1)
    return panel, {"source": f"generated sample, {trips} trips, {first} to {last}, seed {seed}"}
