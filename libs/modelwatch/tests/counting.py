"""Counts a window with numpy, as `read_columns` counts it with DuckDB, for many windows at once."""

from collections.abc import Collection

import numpy as np
from modelwatch.profile import OTHER, NumberProfile, ReferenceProfile
from modelwatch.reporting.window import WindowColumn, named_columns
from worlds import Columns


def count_window(
    profile: ReferenceProfile, columns: Columns, names: Collection[str] | None = None
) -> dict[str, WindowColumn]:
    """The counts of all columns, or of some."""
    found = {}
    for name, reference in named_columns(profile).items():
        short = name.partition(".")[2]
        if names is not None and short not in names:
            continue
        values = columns[short]
        present = [value for value in values if value is not None]
        missing = len(values) - len(present)
        if isinstance(reference, NumberProfile):
            numbers = np.array(present, dtype=float)
            bins = np.searchsorted(reference.edges, numbers)
            counts = np.bincount(bins, minlength=len(reference.edges) + 1)
            unseen = int(((numbers < reference.low) | (numbers > reference.high)).sum())
        else:
            levels = {level: index for index, level in enumerate(reference.levels)}
            rare = dict.fromkeys(reference.rare_levels, levels.get(OTHER, 0))
            last = len(levels)
            bins = np.array([(levels | rare).get(value, last) for value in present])
            counts = np.bincount(bins, minlength=last + 1)
            unseen = int(counts[-1])
        found[name] = WindowColumn(len(values), missing, tuple(map(int, counts)), unseen)
    return found
