"""Arrow schemas of the files that the pipeline writes."""

from typing import Final

import pyarrow as pa

_TIME: Final = pa.timestamp("us")


def hourly_schema() -> pa.Schema:
    """Columns of the hourly demand, sorted by hour and area: every known hour has all areas.

    An unknown hour has no rows. A known hour without trips has a row with 0 for each area.
    """
    return pa.schema(
        [
            pa.field("hour", _TIME, nullable=False),
            pa.field("area", pa.int16(), nullable=False),
            pa.field("trips", pa.int32(), nullable=False),
            pa.field("avg_fare", pa.float64()),
            pa.field("avg_miles", pa.float64()),
        ]
    )


def prediction_schema() -> pa.Schema:
    """Columns of a batch of predictions.

    ``day_of_week`` is 1 on Sundays and 7 on Saturdays. ``warnings`` has ``code:field`` of each
    warning, joined with ``;``. It is empty without warnings, and missing in batches of earlier
    releases.
    """
    return pa.schema(
        [
            pa.field("pickup_community_area", pa.int16(), nullable=False),
            pa.field("start", _TIME, nullable=False),
            pa.field("hour", pa.int8(), nullable=False),
            pa.field("day_of_week", pa.int8(), nullable=False),
            pa.field("is_weekend", pa.bool_(), nullable=False),
            pa.field("predicted_demand", pa.float64(), nullable=False),
            pa.field("lower", pa.float64(), nullable=False),
            pa.field("upper", pa.float64(), nullable=False),
            pa.field("demand_category", pa.string(), nullable=False),
            pa.field("avg_fare", pa.float64()),
            pa.field("avg_distance_miles", pa.float64()),
            pa.field("warnings", pa.string(), nullable=False),
        ]
    )
