"""A forecast as the rows of a batch of predictions."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from servicekit.answer_warnings import WARNINGS

from chicagotaxi.arrow_schemas import prediction_schema
from chicagotaxi.clock import DAY, WEEK, clock_hour, day_of_week, is_skipped, is_weekend
from chicagotaxi.forecast.model import Forecast, ForecastModel, Thresholds
from chicagotaxi.forecast.trained_on import TrainedOn, warning_cells
from chicagotaxi.history.panel import Float32Array, Panel
from chicagotaxi.schema import DemandCategory

# Fares and distances are means over this many hours.
RECENT: Final = 8 * WEEK

_CATEGORIES: Final[tuple[DemandCategory, ...]] = ("LOW", "MEDIUM", "HIGH", "VERY_HIGH")


def week_after(
    model: ForecastModel, panel: Panel, origin: np.datetime64, trained_on: TrainedOn | None
) -> pa.Table:
    """Forecast the week after an origin in a history, whose later rows are not used."""
    past = panel.until(panel.index(origin))
    return table(model, model.predict(past), past, trained_on)


def table(
    model: ForecastModel, forecast: Forecast, panel: Panel, trained_on: TrainedOn | None = None
) -> pa.Table:
    """A forecast as a table, sorted by hour and area, without the hour that the clock skips."""
    real = ~is_skipped(forecast.hours)
    hours = forecast.hours[real]
    areas = len(forecast.areas)

    def by_hour(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.repeat(values, areas)

    def flat(values: Float32Array) -> npt.NDArray[np.float64]:
        return np.asarray(np.round(values[real].reshape(-1).astype(np.float64), 4), np.float64)

    expected = flat(forecast.expected)
    clock = clock_hour(hours)
    usual = _usual(panel)
    cells = pa.array(warning_cells(panel, model.areas, trained_on), pa.string())
    columns = {
        "pickup_community_area": np.tile(np.asarray(forecast.areas, dtype=np.int16), len(hours)),
        "start": by_hour(hours.astype("datetime64[us]")),
        "hour": by_hour(clock),
        "day_of_week": by_hour(day_of_week(hours)),
        "is_weekend": by_hour(is_weekend(hours)),
        "predicted_demand": expected,
        "lower": flat(forecast.lower),
        "upper": flat(forecast.upper),
        "demand_category": categories(expected, model.thresholds),
        "avg_fare": usual[0][clock].reshape(-1),
        "avg_distance_miles": usual[1][clock].reshape(-1),
        WARNINGS: cells.take(pa.array(np.tile(np.arange(areas), len(hours)))),
    }
    schema = prediction_schema()
    # An unknown fare is NaN in arrays, and null in a table.
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
    return pa.table(arrays, schema=schema)


def categories(expected: npt.NDArray[np.float64], thresholds: Thresholds) -> pa.StringArray:
    """The category of each demand."""
    ends = (thresholds.medium, thresholds.high, thresholds.very_high)
    places = np.searchsorted(np.asarray(ends), expected, side="right")
    return pa.array(_CATEGORIES, pa.string()).take(pa.array(places))


def _usual(panel: Panel) -> list[npt.NDArray[np.float64]]:
    """The mean fare and distance of the last weeks by clock hour and area, weighted by trips.

    Without trips at a clock hour it is the area's mean, and without trips in the area the city's.

    Returns:
        The means of fares and of distances, 24 x areas each; NaN if nothing is known.
    """
    trips = panel.trips[-RECENT:].astype(np.float64)
    first = int(clock_hour(panel.hours[-len(trips) :][:1])[0]) if len(trips) else 0
    found = []
    for values in (panel.fare, panel.miles):
        if values is None:
            found.append(np.full((DAY, len(panel.areas)), np.nan))
            continue
        recent = values[-RECENT:].astype(np.float64)
        known = np.isfinite(recent) & np.isfinite(trips)
        weight = _by_clock(np.where(known, trips, 0.0), first)
        total = _by_clock(np.where(known, recent * trips, 0.0), first)
        with np.errstate(invalid="ignore"):
            city = total.sum() / weight.sum()
            area = total.sum(axis=0) / weight.sum(axis=0)
            usual = total / weight
        area = np.where(np.isfinite(area), area, city)
        found.append(np.round(np.where(np.isfinite(usual), usual, area), 2))
    return found


def _by_clock(values: npt.NDArray[np.float64], first: int) -> npt.NDArray[np.float64]:
    """Sums of consecutive hours by clock hour; ``first`` is the clock hour of the first row."""
    days = -(-(first + len(values)) // DAY)
    whole = values
    if len(values) < days * DAY:
        whole = np.zeros((days * DAY, values.shape[1]))
        whole[first : first + len(values)] = values
    return np.asarray(whole.reshape(days, DAY, -1).sum(axis=0))
