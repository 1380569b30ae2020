"""Chicago's 77 community areas: their names, and their positions on a map of tiles.

The map has one tile of equal size for each area, roughly at its position in the city: north is up,
the lake is to the right. The layout is our own.
"""

from typing import Final

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
