"""Chicago's 77 community areas: their names, and where they lie on a map of tiles.

The map has one tile of equal size for each area, at roughly its place in the city: north is up, the
lake is to the right. It is a layout of our own.
"""

from typing import Final

__all__ = ["COLUMNS", "NAMES", "ROWS", "TILES"]

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

_MAP: Final = """
 .  .  .  .  .  .  .  .  1
 .  9  .  . 12 13  2  . 77
76 10 11  .  . 14  4  .  3
 . 17 15 16 21  5  .  6  .
 . 18 19 20 22  .  7  .  .
 . 25 23  . 24  .  8  .  .
 . 26 27  . 28  . 32  .  .
 . 29 30 31 34 33  .  .  .
 . 57 58 59 60 35  .  .  .
56 62 63 61 37 38 36  .  .
64 65 66 67 68 40 39  .  .
 . 70 71 69  . 42 41  .  .
 . 72 73 44 45 43  .  .  .
74 75 49 47 48 46  .  .  .
 . 53 50  . 51 52  .  .  .
 .  . 54  .  . 55  .  .  .
"""

NAMES: Final[dict[int, str]] = dict(
    enumerate((name.strip() for name in _NAMES.replace("\n", " ").split(",")), start=1)
)

TILES: Final[dict[int, tuple[int, int]]] = {
    int(mark): (row, column)
    for row, line in enumerate(_MAP.strip("\n").splitlines())
    for column, mark in enumerate(line.split())
    if mark != "."
}
"""Row and column of each area's tile, from 0 at the top left."""

ROWS: Final = max(row for row, _ in TILES.values()) + 1
COLUMNS: Final = max(column for _, column in TILES.values()) + 1
