"""The index, compared with looking at every row."""

import json
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from chicagotaxi.api.areas import COLUMNS, ROWS, TILES
from chicagotaxi.api.index import DemandIndex
from chicagotaxi.batch.reader import BatchError, BatchInfo
from chicagotaxi.city import CITY
from chicagotaxi.forecast.model_files import DemandForecaster
from chicagotaxi.forecast.rows import table
from chicagotaxi.history.panel import Panel
from hypothesis import given, settings
from hypothesis import strategies as st

INFO = BatchInfo.model_validate(
    {
        "batch": "20250326T000000-00000000",
        "created": "2025-03-26T00:00:00Z",
        "model": {"name": "chicagotaxi", "version": "1", "sha256": "0" * 64},
        "first_hour": "2025-03-26T00:00:00",
        "last_hour": "2025-04-01T23:00:00",
        "interval": 0.9,
        "rows": 1344,
        "parts": [{"name": "part-00000.parquet", "sha256": "0" * 64, "rows": 1344}],
    }
)
FIRST = date(2025, 3, 26)


@pytest.fixture(scope="module")
def rows(forecaster: DemandForecaster, panel: Panel) -> pa.Table:
    model = forecaster.model
    return table(model, model.predict(panel), panel)


@pytest.fixture(scope="module")
def index(rows: pa.Table) -> DemandIndex:
    # In reverse: the index sorts.
    return DemandIndex(INFO, rows.take(list(range(rows.num_rows))[::-1]))


def scan(rows: pa.Table, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What the index must find, found by looking at every row."""
    return [
        row | {"warnings": []}
        for row in rows.to_pylist()
        if all(
            (row["start"].date() if name == "day" else row[name]) == value
            for name, value in asked.items()
            if value is not None
        )
    ]


@settings(max_examples=150, deadline=None)
@given(
    area=st.none() | st.sampled_from([3, 8, 76, 77]),
    hour=st.none() | st.integers(0, 23),
    day_of_week=st.none() | st.integers(1, 7),
    day=st.none() | st.integers(-1, 8).map(lambda offset: FIRST + timedelta(days=offset)),
    limit=st.integers(1, 2000),
)
def test_every_query_finds_what_a_scan_finds(  # noqa: PLR0917
    index: DemandIndex,
    rows: pa.Table,
    area: int | None,
    hour: int | None,
    day_of_week: int | None,
    day: date | None,
    limit: int,
) -> None:
    found = index.find(area=area, hour=hour, day_of_week=day_of_week, day=day, limit=limit)
    expected = scan(
        rows,
        {"pickup_community_area": area, "hour": hour, "day_of_week": day_of_week, "day": day},
    )
    shown = json.loads(found.body)
    assert found.total == len(expected)
    assert shown == [
        row | {"start": row["start"].isoformat(timespec="minutes")} for row in expected[:limit]
    ]


def test_areas_are_summed_up(index: DemandIndex, rows: pa.Table) -> None:
    summaries = {one["area_id"]: one for one in json.loads(index.areas_body)}
    frame = rows.to_pandas()
    assert set(summaries) == set(frame["pickup_community_area"])
    downtown = frame[frame["pickup_community_area"] == 8]
    assert summaries[8]["name"] == "Near North Side"
    assert summaries[8]["total_records"] == 168
    assert summaries[8]["avg_demand"] == pytest.approx(
        downtown["predicted_demand"].mean(), abs=1e-3
    )
    assert summaries[8]["peak_hour"] == downtown.groupby("hour")["predicted_demand"].mean().idxmax()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("pickup_community_area", 78),
        ("pickup_community_area", 0),
        ("hour", 5),
        ("day_of_week", 3),
        ("predicted_demand", -1.0),
        ("predicted_demand", float("nan")),
        ("lower", 1e9),
        ("upper", float("inf")),
    ],
)
def test_an_impossible_row_is_refused(rows: pa.Table, column: str, value: float) -> None:
    place = rows.schema.get_field_index(column)
    values = rows[column].to_pylist()
    values[7] = value
    wrong = rows.set_column(place, rows.schema.field(column), pa.array(values, rows[column].type))
    with pytest.raises(BatchError) as caught:
        DemandIndex(INFO, wrong)
    assert caught.value.code == "rows"


def test_an_area_that_occurs_twice_in_an_hour_is_refused(rows: pa.Table) -> None:
    with pytest.raises(BatchError, match="twice"):
        DemandIndex(INFO, pa.concat_tables([rows, rows.slice(5, 1)]))


def test_unknown_fares_are_null(rows: pa.Table) -> None:
    place = rows.schema.get_field_index("avg_fare")
    unknown = rows.set_column(place, "avg_fare", pa.nulls(len(rows), pa.float64()))
    found = DemandIndex(INFO, unknown).find(area=8, hour=1, day_of_week=None, day=None, limit=1)
    assert json.loads(found.body)[0]["avg_fare"] is None


def test_every_area_has_a_name_and_a_tile_of_its_own() -> None:
    assert sorted(CITY.areas) == sorted(TILES) == list(range(1, 78))
    assert len(set(CITY.areas.values())) == len(set(TILES.values())) == 77
    assert (CITY.areas[8], CITY.areas[32], CITY.areas[76]) == ("Near North Side", "Loop", "O'Hare")
    assert max(TILES.values())[0] + 1 == ROWS
    assert max(column for _, column in TILES.values()) + 1 == COLUMNS
    # Rogers Park is the far north, Hegewisch the far south, O'Hare the west, Hyde Park the lake.
    assert TILES[1][0] == 0
    assert TILES[55][0] == ROWS - 1
    assert TILES[76][1] == 0
    assert TILES[41][1] == COLUMNS - 1
