"""What is logged of each prediction.

An answer of the API is a copy of rows of a batch. So the batch is logged when it is made, once for
each area and hour (docs/adr/033-batches-are-logged-when-they-are-made.md). The outcome of a
prediction is the demand of its area and hour, which the command `outcomes` writes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from modelseal.records import first_error
from modelwatch.log import LogSchema, LogSettings
from pydantic import ValidationError
from servicekit.files import DataError

from chicagotaxi.clock import DAY

_DAY_S: Final = DAY * 3600

SCHEMA: Final = LogSchema(
    features={"area": "category", "days_ahead": "number", "day_of_week": "number"},
    outputs={
        "predicted_demand": "number",
        "lower": "number",
        "upper": "number",
        "demand_category": "category",
    },
    groups=("days_ahead",),
    key={"area": "number", "hour": "category"},
)


def hour_key(hour: datetime) -> str:
    """An hour as a part of the business key."""
    return hour.strftime("%Y-%m-%d %H:%M:%S")


def features(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """The features of rows of a batch.

    Args:
        rows: All rows of the batch.
    """
    first = min(row["start"] for row in rows)
    return [
        {
            "area": str(row["pickup_community_area"]),
            "days_ahead": (row["start"] - first).total_seconds() // _DAY_S + 1,
            "day_of_week": row["day_of_week"],
        }
        for row in rows
    ]


def read_log_settings() -> LogSettings:
    """The settings of the prediction log, from the environment.

    Raises:
        DataError: They are invalid.
    """
    try:
        return LogSettings()
    except ValidationError as error:
        raise DataError(
            f"The environment has no valid setting of the prediction log: {first_error(error)}."
        ) from error
