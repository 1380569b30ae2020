"""Sample data: any number of synthetic trips.

No row is a real trip or was made from one. `chicagotaxi.sample.patterns` sets where and when trips
begin; distances, times and fares follow from the areas. The rows are in random order, as in the
portal's exports, which are sorted by trip identifier. On request a known number of rows is dirty,
each in exactly one way, named after the rule of `chicagotaxi.etl.rules` that it breaks.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from chicagotaxi.city import AREAS, CITY
from chicagotaxi.clock import skipped_hours
from chicagotaxi.sample.patterns import intensities

CHUNK_ROWS: Final = 250_000
SAMPLE_TRIPS: Final = 1_500_000
TAXIS: Final = 3_000
FIRST_DAY: Final = date(2023, 1, 1)

# Share of rows that break each rule. About one real trip in eleven has no pickup area.
DIRT: Final[Mapping[str, float]] = {
    "no_pickup_area": 0.09,
    "no_trip_id": 0.0001,
    "start_unreadable": 0.0003,
    "start_too_early": 0.0002,
    "start_in_future": 0.0002,
    "start_in_skipped_hour": 0.0001,
    "end_unreadable": 0.0002,
    "ends_before_start": 0.0005,
    "number_unreadable": 0.0002,
    "unknown_pickup_area": 0.0003,
    "negative_amount": 0.0005,
    "negative_distance": 0.0002,
    "negative_duration": 0.0002,
    "too_far": 0.0001,
    "too_long": 0.0001,
    "too_dear": 0.0001,
    "duplicate_trip_id": 0.002,
}

PAYMENTS: Final = ("Credit Card", "Cash", "Mobile", "Prcard", "Unknown", "No Charge")
COMPANIES: Final = (
    "Flash Cab", "Taxi Affiliation Services", "Sun Taxi", "City Service", "Chicago Independents",
    "5 Star Taxi", "Globe Taxi", "Blue Ribbon Taxi Association", "Medallion Leasin", "",
)  # fmt: skip

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SampleOptions:
    """Options of a sample. The same options give the same trips.

    Attributes:
        rows: Number of trips, with the dirty ones.
        seed: Random seed.
        first: First day.
        days: Number of days.
        dirt: Share of rows that break each rule.
    """

    rows: int
    seed: int = 42
    first: date = FIRST_DAY
    days: int = 365
    dirt: Mapping[str, float] = field(default_factory=lambda: DIRT)


@dataclass
class Chunk:
    """Trips as columns of whole numbers; -1 is unknown. ``broken`` has the dirty rows by rule."""

    trip_id: npt.NDArray[np.bytes_]
    taxi: Ints
    start: npt.NDArray[np.datetime64]
    end: npt.NDArray[np.datetime64]
    seconds: Ints
    hundredths: Ints
    pickup: Ints
    dropoff: Ints
    fare: Ints
    tips: Ints
    tolls: Ints
    extras: Ints
    payment: Ints
    company: Ints
    broken: dict[str, Ints]


def dirt_counts(options: SampleOptions) -> dict[str, int]:
    """Number of rows that break each rule, which does not depend on the random draws."""
    counts = {name: round(share * options.rows) for name, share in options.dirt.items()}
    last = options.first + timedelta(days=options.days)
    if not all(skipped_hours(year, year) for year in range(options.first.year, last.year + 1)):
        counts.pop("start_in_skipped_hour", None)
    if sum(counts.values()) + counts.get("duplicate_trip_id", 0) > options.rows:
        raise ValueError("There is more dirt than there are rows.")
    return counts


def generate_chunks(options: SampleOptions) -> Iterator[Chunk]:
    """Draw the trips in chunks.

    Yields:
        Chunks of at most `CHUNK_ROWS` trips, over which dirty rows are spread evenly.
    """
    hours, probability = intensities(options.first, options.days, seed=options.seed)
    ladder = np.cumsum(probability.ravel())
    ladder /= ladder[-1]
    counts = dirt_counts(options)
    done = 0
    while done < options.rows:
        draw = np.random.default_rng([options.seed, 2, done])
        rows = min(CHUNK_ROWS, options.rows - done)
        share = {
            name: count * (done + rows) // options.rows - count * done // options.rows
            for name, count in counts.items()
        }
        yield _draw_chunk(draw, rows, hours, ladder, share)
        done += rows


def _draw_chunk(
    draw: np.random.Generator,
    rows: int,
    hours: npt.NDArray[np.datetime64],
    ladder: npt.NDArray[np.float64],
    dirt: Mapping[str, int],
) -> Chunk:
    cell = np.searchsorted(ladder, draw.random(rows), side="right")
    areas = np.array(AREAS, dtype=np.int64)
    hour, area = hours[cell // len(AREAS)], areas[cell % len(AREAS)]
    quarter = draw.integers(0, 4, size=rows)
    start = hour.astype("datetime64[s]") + quarter * np.timedelta64(900, "s")
    popular = ladder.reshape(-1, len(AREAS))
    weights = np.diff(popular[-1], prepend=popular[-2, -1])
    dropoff = areas[draw.choice(len(AREAS), size=rows, p=weights / weights.sum())]
    miles = _miles(draw, area, dropoff)
    seconds = (miles * draw.uniform(110, 240, size=rows) + draw.uniform(60, 300, size=rows)).astype(
        np.int64
    )
    fare = 325 + np.round(miles * 225 + seconds * 0.55).astype(np.int64) // 25 * 25
    card = draw.random(rows) < 0.55  # noqa: PLR2004
    airport = np.isin(area, CITY.airports)
    chunk = Chunk(
        trip_id=_identifiers(draw, rows),
        taxi=np.minimum(draw.zipf(1.2, size=rows), 10**9) % TAXIS,
        start=start,
        end=start + seconds // 900 * np.timedelta64(900, "s"),
        seconds=seconds,
        hundredths=np.round(miles * 100).astype(np.int64),
        pickup=area.astype(np.int64),
        dropoff=np.where(draw.random(rows) < 0.1, -1, dropoff),  # noqa: PLR2004
        fare=fare,
        tips=np.where(card, fare * draw.integers(15, 28, size=rows) // 100, 0),
        tolls=np.zeros(rows, dtype=np.int64),
        extras=np.where(airport, 500, 0) + draw.integers(0, 3, size=rows) * 100,
        payment=np.where(card, 0, draw.choice(6, size=rows, p=[0.1, 0.55, 0.2, 0.1, 0.03, 0.02])),
        company=draw.integers(0, len(COMPANIES), size=rows),
        broken={},
    )
    _soil(chunk, draw, dirt)
    return chunk


def _miles(draw: np.random.Generator, pickup: Ints, dropoff: Ints) -> npt.NDArray[np.float64]:
    flight = np.isin(pickup, CITY.airports) | np.isin(dropoff, CITY.airports)
    centre = np.isin(pickup, CITY.downtown) & np.isin(dropoff, CITY.downtown)
    typical = np.where(flight, 14.5, np.where(centre, 1.2, 4.2))
    miles: npt.NDArray[np.float64] = typical * draw.lognormal(0.0, 0.35, size=len(pickup))
    return np.maximum(miles, 0.1)


def _identifiers(draw: np.random.Generator, rows: int) -> npt.NDArray[np.bytes_]:
    return np.frombuffer(draw.bytes(20 * rows).hex().encode(), dtype="S40").copy()


def _soil(chunk: Chunk, draw: np.random.Generator, dirt: Mapping[str, int]) -> None:
    """Make rows dirty, each in one way, and record them."""
    rows = len(chunk.taxi)
    repeated = dirt.get("duplicate_trip_id", 0)
    places = draw.permutation(rows)[: sum(dirt.values()) + repeated]
    taken = 0
    for name, count in dirt.items():
        where = places[taken : taken + count]
        taken += count
        chunk.broken[name] = where
        if name == "duplicate_trip_id":
            originals = places[taken : taken + count]
            taken += count
            _copy(chunk, originals, where)
        elif spoil := _SPOIL.get(name):
            spoil(chunk, where)


def _copy(chunk: Chunk, originals: Ints, copies: Ints) -> None:
    """Copy identifier and start. The fare differs, so that it matters which row is kept."""
    chunk.trip_id[copies] = chunk.trip_id[originals]
    chunk.start[copies] = chunk.start[originals]
    chunk.end[copies] = chunk.end[originals]
    chunk.fare[copies] = chunk.fare[originals] + 25


def _negate(name: str) -> Callable[[Chunk, Ints], None]:
    def spoil(chunk: Chunk, where: Ints) -> None:
        getattr(chunk, name)[where] *= -1

    return spoil


def _set(name: str, value: object) -> Callable[[Chunk, Ints], None]:
    def spoil(chunk: Chunk, where: Ints) -> None:
        getattr(chunk, name)[where] = value

    return spoil


def _move(time: str) -> Callable[[Chunk, Ints], None]:
    def spoil(chunk: Chunk, where: Ints) -> None:
        chunk.start[where] = chunk.end[where] = np.datetime64(time)

    return spoil


def _before_start(chunk: Chunk, where: Ints) -> None:
    # At noon, because an end before the start is allowed in the hour that the clock repeats.
    noon = chunk.start[where].astype("datetime64[D]") + np.timedelta64(12, "h")
    chunk.start[where] = noon.astype("datetime64[s]")
    chunk.end[where] = chunk.start[where] - np.timedelta64(1800, "s")


def _into_skipped_hour(chunk: Chunk, where: Ints) -> None:
    years = chunk.start[where].astype("datetime64[Y]").astype(np.int64) + 1970
    skipped = {year: skipped_hours(year, year)[0] for year in np.unique(years).tolist()}
    hours = np.array([skipped[year] for year in years.tolist()], dtype="datetime64[s]")
    chunk.start[where] = hours + np.timedelta64(1800, "s")
    chunk.end[where] = chunk.start[where] + np.timedelta64(3600, "s")


# The other rules need text, and are broken when the row becomes text.
_SPOIL: Final[dict[str, Callable[[Chunk, Ints], None]]] = {
    "no_pickup_area": _set("pickup", -1),
    "start_too_early": _move(f"{CITY.records_begin - 12}-05-01T08:15:00"),
    "start_in_future": _move("2099-05-01T08:15:00"),
    "start_in_skipped_hour": _into_skipped_hour,
    "ends_before_start": _before_start,
    "unknown_pickup_area": _set("pickup", AREAS[-1] + 1),
    "negative_amount": _negate("fare"),
    "negative_distance": _negate("hundredths"),
    "negative_duration": _negate("seconds"),
    "too_far": _set("hundredths", 250_000),
    "too_long": _set("seconds", 90_000),
    "too_dear": _set("fare", 999_900),
}
