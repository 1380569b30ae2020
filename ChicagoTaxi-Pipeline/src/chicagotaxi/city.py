"""The city: its areas, clock, holidays, money and distances.

To forecast another city, replace `CITY`, and train again. Everything else follows: rules, grid,
features, sample, the API and its map. Names of fields, such as ``pickup_community_area`` and
``avg_distance_miles``, stay those of the sources (`chicagotaxi.sources.dialects`) and of the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Areas are stored as 16-bit integers; the sample uses the number after the last one.
_LARGEST: Final = 2**15 - 2
_MILES: Final = {"miles": 1.0, "km": 0.621371192}


@dataclass(frozen=True)
class City:
    """A city. Areas are declared by their numbers in the source.

    Attributes:
        name: Name, for messages and documentation.
        time_zone: Name of the time zone of its clock, which changes by whole hours, if at all.
        country: Country of its holidays, as in the package `holidays`, such as ``US``.
        subdivision: State or province with holidays of its own; None for those of the country only.
        areas_title: What its areas are called, in the plural.
        areas: Name of each area, by its number.
        tiles: A map of the areas, north up: one line per row, with the number of an area or ``.``
            for each tile. Blank for the areas in the order of their numbers.
        records_begin: Year in which the source's records begin. Earlier trips break a rule.
        max_fare: Largest plausible fare. Trips with a larger one break a rule.
        currency: Name of the currency of fares.
        currency_sign: Its sign, before an amount.
        distance: Unit of the source's distances. They are stored in miles, and shown in this unit.
        shares: For the sample: share of the trips that begin in an area; the other areas have
            unequal shares of the rest.
        downtown: For the sample: areas with short trips between them.
        airports: For the sample: areas with long trips, by the times of flights.
        night_life: For the sample: areas with trips late at night.
    """

    name: str
    time_zone: str
    country: str
    subdivision: str | None
    areas_title: str
    areas: Mapping[int, str]
    tiles: str = ""
    records_begin: int = 2000
    max_fare: int = 9_000
    currency: str = "dollars"
    currency_sign: str = "$"
    distance: Literal["miles", "km"] = "miles"
    shares: Mapping[int, float] = field(default_factory=dict)
    downtown: tuple[int, ...] = ()
    airports: tuple[int, ...] = ()
    night_life: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check the declaration.

        Raises:
            ValueError: It is impossible; the message says where and why.
        """
        numbers = set(self.areas)
        if not numbers or min(numbers) < 1 or max(numbers) > _LARGEST:
            raise self._error("areas", f"must have one or more numbers from 1 to {_LARGEST:,}")
        drawn = [int(tile) for tile in self.tiles.split() if tile != "."]
        if drawn and sorted(drawn) != sorted(numbers):
            odd = sorted(numbers ^ set(drawn)) or sorted(
                one for one in drawn if drawn.count(one) > 1
            )
            raise self._error("tiles", f"must show each area once; look at {odd[:10]}")
        for name in ("shares", "downtown", "airports", "night_life"):
            if strange := sorted(set(getattr(self, name)) - numbers):
                raise self._error(name, f"has {strange[:10]}, which are no areas")
        if sum(self.shares.values()) >= 1 + 1e-9 or min(self.shares.values(), default=1) <= 0:
            raise self._error("shares", "must be positive, and add up to at most 1")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise self._error(
                "time_zone", f"is {self.time_zone!r}; give a name such as Europe/Berlin"
            ) from error

    @property
    def miles_per_unit(self) -> float:
        """Miles in one unit of the source's distances."""
        return _MILES[self.distance]

    def _error(self, name: str, problem: str) -> ValueError:
        return ValueError(f"{self.name} in chicagotaxi/city.py: {name} {problem}.")


_NAMES: Final = """
Rogers Park, West Ridge, Uptown, Lincoln Square, North Center, Lake View, Lincoln Park,
Near North Side, Edison Park, Norwood Park, Jefferson Park, Forest Glen, North Park, Albany Park,
Portage Park, Irving Park, Dunning, Montclare, Belmont Cragin, Hermosa, Avondale, Logan Square,
Humboldt Park, West Town, Austin, West Garfield Park, East Garfield Park, Near West Side,
North Lawndale, South Lawndale, Lower West Side, Loop, Near South Side, Armour Square, Douglas,
Oakland, Fuller Park, Grand Boulevard, Kenwood, Washington Park, Hyde Park, Woodlawn, South Shore,
Chatham, Avalon Park, South Chicago, Burnside, Calumet Heights, Roseland, Pullman, South Deering,
East Side, West Pullman, Riverdale, Hegewisch, Garfield Ridge, Archer Heights, Brighton Park,
McKinley Park, Bridgeport, New City, West Elsdon, Gage Park, Clearing, West Lawn, Chicago Lawn,
West Englewood, Englewood, Greater Grand Crossing, Ashburn, Auburn Gresham, Beverly,
Washington Heights, Mount Greenwood, Morgan Park, O'Hare, Edgewater
"""

CITY: Final = City(
    name="Chicago",
    time_zone="America/Chicago",
    country="US",
    subdivision="IL",
    areas_title="community areas",
    areas=dict(
        enumerate((name.strip() for name in _NAMES.replace("\n", " ").split(",")), start=1)
    ),
    # The lake is to the right. The layout is our own.
    tiles="""
 .  9  . 12  2  1  .
76 10 11 13  4 77  .
17 15 16 14  5  3  .
18 19 20 21  .  6  .
 . 25 23 22 24  7  .
 . 26 27 28  .  8  .
 .  . 29 31  . 32  .
 . 57 30 59 34 33  .
56 62 58 60 37 35  .
64 65 63 61 38 36  .
 . 70 66 67 68 40 39
 . 72 71 69 44 42 41
74 75 73 47 45 43  .
 .  . 49 50 48 46  .
 .  . 53 51 52  .  .
 .  . 54  . 55  .  .
""",
    records_begin=2013,
    shares={
        8: 0.235, 32: 0.185, 28: 0.095, 76: 0.125, 56: 0.03, 6: 0.04, 7: 0.038, 33: 0.032,
        24: 0.03, 22: 0.018, 77: 0.018, 3: 0.016, 41: 0.014, 16: 0.01, 5: 0.01, 35: 0.01,
    },
    downtown=(8, 28, 32),
    airports=(56, 76),
    night_life=(6, 7, 22, 24),
)  # fmt: skip

AREAS: Final = tuple(sorted(CITY.areas))
"""The numbers of the areas, ascending."""

CONSECUTIVE: Final = AREAS[-1] - AREAS[0] + 1 == len(AREAS)
"""Whether the numbers have no gap."""

AREAS_SHOWN: Final = f"{AREAS[0]} to {AREAS[-1]}" if CONSECUTIVE else ", ".join(map(str, AREAS))
"""The numbers, for messages."""
