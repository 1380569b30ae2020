"""The questions of `make load-test`: demand by area, hour and day, the areas, and mistakes."""

import random
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from load_user import LoadUser
from questions import (
    Answer,
    Facts,
    Kind,
    NotProvenError,
    Question,
    invalid,
    model_info,
    require,
    require_range,
)

DRAW: Final = random.Random(42)  # noqa: S311 - no secret
# The areas that people ask about most: downtown and the airports.
AREAS: Final = [8, 32, 28, 76, 56, 33, 6, 7, *range(1, 78, 10)]
CATEGORIES: Final = ("LOW", "MEDIUM", "HIGH", "VERY_HIGH")
DEFAULT_LIMIT: Final = 100
NUMBERS: Final = ("avg_fare", "avg_distance_miles")


def _row(row: dict[str, Any]) -> None:
    start = datetime.fromisoformat(row["start"])
    weekday = start.isoweekday() % 7 + 1
    require((row["hour"], row["day_of_week"]) == (start.hour, weekday), "hour or day of another")
    require(row["is_weekend"] == (weekday in (1, 7)), "is_weekend is that of another day")
    require_range(row["lower"], 0, row["predicted_demand"], "lower")
    require_range(row["predicted_demand"], 0, row["upper"], "predicted_demand")
    require(row["demand_category"] in CATEGORIES, "an unknown demand_category")
    require(isinstance(row["warnings"], list), "warnings are not a list")
    for name in NUMBERS:
        require(row[name] is None or row[name] >= 0, f"{name} is negative")


def _demand(**query: int) -> Question:
    path = f"/demand?{urlencode(query)}"
    limit = query.get("limit", DEFAULT_LIMIT)

    def check(answer: Answer) -> Facts:
        rows, total = answer.body, int(answer.headers["x-total-count"])
        require(len(rows) == min(limit, total), "another number of rows than is there, or asked")
        for row in rows:
            _row(row)
        places = [(row["start"], row["pickup_community_area"]) for row in rows]
        require(places == sorted(set(places)), "the rows are not sorted, or one is there twice")
        for name, field in (
            ("area", "pickup_community_area"),
            ("hour", "hour"),
            ("day_of_week", "day_of_week"),
        ):
            if name in query:
                require({row[field] for row in rows} <= {query[name]}, f"rows of another {name}")
        # A new batch may arrive; it has another tag.
        return {f"{path} {answer.headers['etag']}": [total, rows]}

    return Question(path, check)


def _areas(answer: Answer) -> Facts:
    numbers = [area["area_id"] for area in answer.body]
    require(bool(numbers) and numbers == sorted(set(numbers)), "the areas are not sorted")
    for area in answer.body:
        require_range(area["peak_hour"], 0, 23, "peak_hour")
        require_range(area["avg_demand"], 0, float("inf"), "avg_demand")
        require(area["total_records"] > 0 and bool(area["name"]), "an area without rows or name")
    return {f"areas {answer.headers['etag']}": answer.body}


def _status(answer: Answer) -> Facts:
    serving = answer.body["serving"]
    if serving is None:
        raise NotProvenError("no batch is served")
    require(serving["rows"] > 0, "a batch without rows is served")
    require(serving["first_hour"] <= serving["last_hour"], "a batch that ends before it begins")
    return {f"status {serving['batch']}": serving}


class TaxiUser(LoadUser):
    """Most ask about an hour of an area; some about more, and some by mistake."""

    mix = [  # noqa: RUF012 - declared as a class variable
        Kind(
            "demand of an area's hour",
            60,
            [_demand(area=DRAW.choice(AREAS), hour=hour, limit=10) for hour in range(24)],
        ),
        Kind("demand of an area", 8, [_demand(area=area, limit=1000) for area in AREAS]),
        Kind("demand of an hour", 8, [_demand(hour=hour) for hour in (0, 8, 14, 18)]),
        Kind(
            "demand of a day",
            4,
            [_demand(day_of_week=day, hour=17, limit=77) for day in range(1, 8)],
        ),
        Kind("areas", 4, [Question("/areas", _areas)]),
        Kind("status", 4, [Question("/pipeline/status", _status)]),
        Kind("model info", 2, [model_info()]),
        Kind(
            "invalid",
            10,
            [
                invalid("/demand?hour=25"),
                invalid("/demand?area=0"),
                invalid("/demand?limit=0"),
                invalid("/demand?area=downtown"),
                invalid("/demand?unknown=1"),
                invalid("/demand?hour=1&hour=2"),
            ],
        ),
    ]
