"""Positions of the areas on a map of tiles: one tile of equal size for each area.

Without a map in `chicagotaxi.city`, the tiles are in the order of the areas' numbers.
"""

from math import ceil, sqrt
from typing import Final

from chicagotaxi.city import AREAS, CITY

Tiles = dict[int, tuple[int, int]]


def place_tiles(drawn: str, areas: tuple[int, ...]) -> Tiles:
    """Row and column of each area's tile, from 0 at the top left.

    Args:
        drawn: The map as in `City.tiles`; may be blank.
        areas: The numbers of the areas, ascending.
    """
    if not drawn.strip():
        width = ceil(sqrt(len(areas)))
        return {area: divmod(place, width) for place, area in enumerate(areas)}
    return {
        int(mark): (row, column)
        for row, line in enumerate(drawn.strip("\n").splitlines())
        for column, mark in enumerate(line.split())
        if mark != "."
    }


TILES: Final = place_tiles(CITY.tiles, AREAS)

ROWS: Final = max(row for row, _ in TILES.values()) + 1
COLUMNS: Final = max(column for _, column in TILES.values()) + 1
