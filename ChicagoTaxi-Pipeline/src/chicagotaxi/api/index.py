"""Index of a batch: its rows as JSON, made once, with lists of rows by area, hour and day.

An index is never changed. A new batch gets a new index, which replaces the old one in one
assignment.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any, Final, get_args

import pyarrow as pa
from servicekit.answer_warnings import WARNINGS

from chicagotaxi.batch.reader import AGAIN, BatchError, BatchInfo
from chicagotaxi.city import AREAS_SHOWN, CITY, CONSECUTIVE
from chicagotaxi.forecast.warnings import read_cell
from chicagotaxi.schema import DemandCategory

_HOURS: Final = 24
_DAYS: Final = 7
_WEEKEND: Final = (1, 7)
_CATEGORIES: Final = get_args(DemandCategory)
_Ids = Sequence[int]


@dataclass(frozen=True)
class Found:
    """Result of a query.

    Attributes:
        body: JSON array of the first rows.
        total: Number of all matching rows.
    """

    body: bytes
    total: int


class DemandIndex:
    """Index of a batch of predictions.

    Args:
        info: The batch's ``batch.json``.
        table: Its rows, of `chicagotaxi.arrow_schemas.prediction_schema`.

    Attributes:
        info: The batch's ``batch.json``.
        warnings: Number of rows with each warning, by code.
        areas_body: Body of the response of ``/areas``.

    Raises:
        BatchError: A row is impossible.
    """

    def __init__(self, info: BatchInfo, table: pa.Table) -> None:
        table = table.sort_by([("start", "ascending"), ("pickup_community_area", "ascending")])
        rows: list[dict[str, Any]] = table.to_pylist()
        _check(info, rows)
        self.info = info
        self.warnings = _count_warnings(rows)
        self._keys = [
            (row["pickup_community_area"], row["hour"], row["day_of_week"], row["start"].date())
            for row in rows
        ]
        self._texts = [_text(row) for row in rows]
        self._all: _Ids = range(len(rows))
        self._postings = _postings(self._keys)
        self.areas_body = _areas(rows)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._texts)

    def find(
        self,
        *,
        area: int | None,
        hour: int | None,
        day_of_week: int | None,
        day: date | None,
        limit: int,
    ) -> Found:
        """Find the rows of a query, sorted by hour and area. A filter of None matches all rows.

        Args:
            area: Number of the area.
            hour: Hour of the day.
            day_of_week: Day of the week, 1 for Sunday.
            day: Date.
            limit: Largest number of rows in the body.
        """
        asked = (area, hour, day_of_week, day)
        ids, rest = self._shortest(asked)
        if rest:
            keys = self._keys
            wanted = [(place, asked[place]) for place in rest]
            ids = [one for one in ids if all(keys[one][place] == value for place, value in wanted)]
        texts = self._texts
        return Found(b"[" + b",".join([texts[one] for one in ids[:limit]]) + b"]", len(ids))

    def _shortest(self, asked: tuple[object, ...]) -> tuple[_Ids, list[int]]:
        """The shortest list of rows that has all matches, and the fields that it does not check."""
        fields = [place for place, value in enumerate(asked) if value is not None]
        best: _Ids = self._all
        used: tuple[int, ...] = ()
        for places in _INDEXED:
            if all(asked[place] is not None for place in places):
                key = (places, *(asked[place] for place in places))
                ids = self._postings.get(key, ())
                if len(ids) < len(best) or not used:
                    best, used = ids, places
        return best, [place for place in fields if place not in used]


# Area and hour together is the most frequent query.
_INDEXED: Final = ((0, 1), (0,), (1,), (2,), (3,))


def _postings(keys: Sequence[tuple[object, ...]]) -> Mapping[tuple[object, ...], _Ids]:
    postings: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for number, key in enumerate(keys):
        for places in _INDEXED:
            postings[places, *(key[place] for place in places)].append(number)
    return dict(postings)


def _check(info: BatchInfo, rows: Sequence[Mapping[str, Any]]) -> None:
    before: tuple[object, int] | None = None
    for row in rows:
        here = (row["start"], row["pickup_community_area"])
        for problem in _problems(info, row):
            raise BatchError(
                "rows", f"The batch {info.batch}, area {here[1]} at {here[0]}: {problem}. {AGAIN}"
            )
        if here == before:
            raise BatchError(
                "rows", f"The batch {info.batch} has area {here[1]} at {here[0]} twice. {AGAIN}"
            )
        before = here


def _problems(info: BatchInfo, row: Mapping[str, Any]) -> Iterator[str]:
    start, weekday = row["start"], row["start"].isoweekday() % _DAYS + 1
    if row["pickup_community_area"] not in CITY.areas:
        yield f"areas are numbered {'from ' * CONSECUTIVE}{AREAS_SHOWN}"
    if (row["hour"], row["day_of_week"]) != (start.hour, weekday):
        yield f"hour {row['hour']} and day {row['day_of_week']} are not those of its start"
    if start.minute or start.second or start.microsecond:
        yield "it is not a whole hour"
    if not info.first_hour <= start <= info.last_hour:
        yield f"its hours are {info.first_hour} to {info.last_hour}"
    if row["is_weekend"] != (weekday in _WEEKEND):
        yield f"is_weekend is {row['is_weekend']} on day {weekday}"
    if row["demand_category"] not in _CATEGORIES:
        yield f"{row['demand_category']!r} is not one of {', '.join(_CATEGORIES)}"
    # Written so that NaN is a problem too.
    if not 0 <= row["lower"] <= row["predicted_demand"] <= row["upper"] < float("inf"):
        yield "the demand is not within its interval, or not a number"
    for name in ("avg_fare", "avg_distance_miles"):
        if row[name] is not None and not isfinite(row[name]):
            yield f"{name} is not a number"
    try:
        read_cell(row[WARNINGS])
    except KeyError as error:
        yield f"the warning {error} is not one of this release"


def _count_warnings(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
    return Counter(warning.code for row in rows for warning in read_cell(row[WARNINGS]))


def _text(row: Mapping[str, Any]) -> bytes:
    shown = {
        "pickup_community_area": row["pickup_community_area"],
        "start": row["start"].isoformat(timespec="minutes"),
        **{name: value for name, value in row.items() if name not in _SHOWN_APART},
        WARNINGS: [one.model_dump() for one in read_cell(row[WARNINGS])],
    }
    return json.dumps(shown, allow_nan=False, separators=(",", ":")).encode()


_SHOWN_APART: Final = ("pickup_community_area", "start", WARNINGS)


def _areas(rows: Sequence[Mapping[str, Any]]) -> bytes:
    by_area: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    for row in rows:
        by_area[row["pickup_community_area"]].append((row["hour"], row["predicted_demand"]))
    summaries = []
    for area, hours in sorted(by_area.items()):
        by_hour = [0.0] * _HOURS
        for hour, demand in hours:
            by_hour[hour] += demand
        summaries.append(
            {
                "area_id": area,
                "name": CITY.areas[area],
                "avg_demand": round(sum(demand for _, demand in hours) / len(hours), 4),
                "peak_hour": max(range(_HOURS), key=lambda hour: by_hour[hour]),
                "total_records": len(hours),
            }
        )
    return json.dumps(summaries, allow_nan=False, separators=(",", ":")).encode()
