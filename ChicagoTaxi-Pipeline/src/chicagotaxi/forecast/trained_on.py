"""Description of a model's training data, sealed with it, and the warnings that follow from it."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from servicekit.answer_warnings import as_cell

from chicagotaxi.clock import WEEK, as_datetime
from chicagotaxi.forecast.features import WINDOW, look_back
from chicagotaxi.forecast.warnings import HOLED, NOT_IN_TRAINING, OUTSIDE, WARNINGS_BY_CODE
from chicagotaxi.history.panel import Panel
from chicagotaxi.schema import ClockTime

# With fewer known hours, the trips of a week are unknown.
_HALF_A_WEEK: Final = WEEK // 2
# A level is outside of training if it differs by more than this factor, and also by this number of
# trips, because the counts of quiet areas vary by more than the factor from week to week.
_FAR: Final = 2.0
_TRIPS: Final = 20.0


class WeekTrips(BaseModel):
    """Trips of an area's quietest and busiest week in training, extrapolated to complete weeks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: float = Field(ge=0)
    most: float = Field(ge=0)


class TrainedOn(BaseModel):
    """The history that a model was trained on.

    Attributes:
        first_hour: First hour, on the city's clock.
        last_hour: Last hour.
        known_hours: Number of known hours.
        weeks: Range of weekly trips of each area with a week of which at least half was known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_hour: ClockTime
    last_hour: ClockTime
    known_hours: int
    weeks: dict[int, WeekTrips]

    @classmethod
    def of(cls, panel: Panel) -> "TrainedOn":
        """Describe a history, in weeks counted from its end."""
        weeks = len(panel.trips) // WEEK
        cut = panel.trips[len(panel.trips) - weeks * WEEK :].reshape(weeks, WEEK, -1)
        trips = np.stack([_week_trips(week) for week in cut])
        return cls(
            first_hour=as_datetime(panel.start),
            last_hour=as_datetime(panel.hours[-1]),
            known_hours=int(panel.known.sum()),
            weeks={
                area: WeekTrips(least=float(np.nanmin(column)), most=float(np.nanmax(column)))
                for area, column in zip(panel.areas, trips.T, strict=True)
                if np.isfinite(column).any()
            },
        )


def warning_cells(panel: Panel, areas: Sequence[int], trained_on: TrainedOn | None) -> list[str]:
    """The warnings of the forecast of each area, as cells of a table.

    Args:
        panel: The history before the forecast.
        areas: Areas that the model was trained on.
        trained_on: Description of its training data; if None, levels are not compared.
    """
    window = look_back(panel, len(panel.trips)).weeks
    known = np.isfinite(window).sum(axis=1)
    holed = (known.sum(axis=0) < WINDOW // 2) | (known[-1] < _HALF_A_WEEK)
    stranger = ~np.isin(panel.areas, areas)
    outside = _outside(_week_trips(window[-1]), panel.areas, trained_on)
    codes = zip((NOT_IN_TRAINING, OUTSIDE, HOLED), (stranger, outside, holed), strict=True)
    marks = [(WARNINGS_BY_CODE[code], where.tolist()) for code, where in codes]
    return [
        as_cell(warning for warning, where in marks if where[column])
        for column in range(len(panel.areas))
    ]


def trained_rows(panel: Panel, first: int = 0) -> Iterator[str]:
    """The rows of a history that a model learns from, as texts: hour, area and trips.

    Hours and areas without trips are left out, because they are the same in any history.
    """
    hours, columns = np.nonzero(panel.trips[first:] > 0)
    trips = panel.trips[first:][hours, columns].astype(np.int64)
    names = panel.hours[first:].astype(str)
    areas = np.asarray(panel.areas)
    for hour, area, count in zip(
        names[hours].tolist(), areas[columns].tolist(), trips.tolist(), strict=True
    ):
        yield f"{hour}|{area}|{count}"


def _week_trips(week: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Trips of a week by area, extrapolated to the whole week; NaN if less than half is known."""
    known = np.isfinite(week)
    counted = known.sum(axis=0)
    total = np.where(known, week, 0).sum(axis=0, dtype=np.float64)
    scaled = total * WEEK / np.maximum(counted, 1)
    return np.asarray(np.where(counted >= _HALF_A_WEEK, scaled, np.nan))


def _outside(
    trips: npt.NDArray[np.float64], areas: Sequence[int], trained_on: TrainedOn | None
) -> npt.NDArray[np.bool_]:
    ranges = {} if trained_on is None else trained_on.weeks
    nothing = WeekTrips.model_construct(least=-np.inf, most=np.inf)
    least, most = (
        np.array([getattr(ranges.get(area, nothing), name) for area in areas])
        for name in ("least", "most")
    )
    above = trips > np.maximum(_FAR * most, most + _TRIPS)
    below = trips < np.minimum(least / _FAR, least - _TRIPS)
    return np.asarray(above | below)
