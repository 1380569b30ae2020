"""A forecast as a table: the rows of a batch of predictions."""

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from chicagotaxi.calendar import DAY, WEEK, clock_hour, day_of_week, exists, is_weekend
from chicagotaxi.forecast import Forecast, ForecastModel, Thresholds
from chicagotaxi.panel import Floats, Panel
from chicagotaxi.schema import DemandCategory, prediction_schema

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["categories", "table"]

# Fares and distances are usual ones of these weeks.
RECENT: Final = 8 * WEEK

_CATEGORIES: Final[tuple[DemandCategory, ...]] = ("LOW", "MEDIUM", "HIGH", "VERY_HIGH")


def table(model: ForecastModel, forecast: Forecast, panel: Panel) -> pa.Table:
    """A forecast as a table, sorted by hour and area, without the hour that the clock skips.

    Args:
        model: What made it; it knows what much demand is.
        forecast: The forecast.
        panel: The history that it was made from, for usual fares and distances.
    """
    real = exists(forecast.hours)
    hours = forecast.hours[real]
    areas = len(forecast.areas)

    def by_hour(values: "npt.NDArray[np.generic]") -> "npt.NDArray[np.generic]":
        return np.repeat(values, areas)

    def flat(values: Floats) -> "npt.NDArray[np.float64]":
        return np.asarray(np.round(values[real].astype(np.float64), 4).reshape(-1), np.float64)

    expected = flat(forecast.expected)
    clock = clock_hour(hours)
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
        "avg_fare": _usual(panel, panel.fare)[clock].reshape(-1),
        "avg_distance_miles": _usual(panel, panel.miles)[clock].reshape(-1),
    }
    # NaN says that a fare is not known; a table says that with a null.
    arrays = [pa.array(values, from_pandas=True) for values in columns.values()]
    return pa.table(arrays, names=list(columns)).cast(prediction_schema())


def categories(
    expected: "npt.NDArray[np.float64]", thresholds: Thresholds
) -> "npt.NDArray[np.object_]":
    """The category of each demand."""
    ends = (thresholds.medium, thresholds.high, thresholds.very_high)
    places = np.searchsorted(np.asarray(ends), expected, side="right")
    return np.asarray(_CATEGORIES, dtype=object)[places]


def _usual(panel: Panel, values: Floats | None) -> "npt.NDArray[np.float64]":
    """The mean of the last weeks by clock hour and area, weighted by trips.

    Where there were none at a clock hour it is the area's mean, and the city's where there were
    none in the area.

    Returns:
        24 x areas; NaN where nothing is known at all.
    """
    if values is None:
        return np.full((DAY, len(panel.areas)), np.nan)
    trips, recent = panel.trips[-RECENT:], values[-RECENT:]
    known = np.isfinite(recent) & np.isfinite(trips)
    weight = np.where(known, trips, 0.0)
    total = np.where(known, recent, 0.0) * weight
    clock = clock_hour(panel.hours[-RECENT:])
    usual = np.full((DAY, len(panel.areas)), np.nan)
    with np.errstate(invalid="ignore"):
        usual[:] = np.divide(total.sum(), weight.sum())
        area = np.divide(total.sum(axis=0), weight.sum(axis=0))
        usual = np.where(np.isfinite(area), area, usual)
        for hour in range(DAY):
            chosen = clock == hour
            mean = np.divide(total[chosen].sum(axis=0), weight[chosen].sum(axis=0))
            usual[hour] = np.where(np.isfinite(mean), mean, usual[hour])
    return np.round(usual, 2)
