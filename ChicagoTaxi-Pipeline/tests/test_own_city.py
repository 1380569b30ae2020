"""Another city is another `CITY` in city.py, and a training.

Each test writes a made-up city into a copy of the package, and runs the commands of "Your own data"
in README.md: generate, etl, train, predict, serve.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import chicagotaxi
import pandas as pd
import pytest
from chicagotaxi.api.areas import place_tiles
from chicagotaxi.city import AREAS, CITY
from servicekit.testing import PackageCopy, wait_until
from servicekit.testing.spark_run import ENVIRONMENT, needs_spark
from trips import API, Row, trip, write

DECLARATION = re.compile(r"^CITY: Final = City\(\n.*?^\)[^\n]*\n", re.DOTALL | re.MULTILINE)

# With summer time, kilometres, another currency, and numbers with a gap.
NORTH = """\
CITY: Final = City(
    name="Nordhafen",
    time_zone="Europe/Berlin",
    country="DE",
    subdivision="BE",
    areas_title="districts",
    areas={3: "Altstadt", 11: "Hafen & Kai"},
    records_begin=2015,
    max_fare=500,
    currency="euros",
    currency_sign="€",
    distance="km",
    airports=(11,),
)
"""
# Half an hour from the whole hours of UTC, and no summer time.
EAST = """\
CITY: Final = City(
    name="Purvapur",
    time_zone="Asia/Kolkata",
    country="IN",
    subdivision=None,
    areas_title="wards",
    areas={1: "Bazaar", 2: "Ghat"},
    tiles=". 1\\n2 .",
    currency="rupees",
    currency_sign="₹",
    max_fare=20_000,
    distance="km",
    shares={1: 0.7},
)
"""


class Workplace(PackageCopy):
    """A copy of the package with another city, and a folder for its data."""

    def __init__(self, folder: Path, city: str) -> None:
        super().__init__(chicagotaxi, folder, ENVIRONMENT)
        self.declare(city)

    def declare(self, city: str) -> None:
        module = self.source / "city.py"
        text, replaced = DECLARATION.subn(lambda _: city, module.read_text(encoding="utf-8"))
        assert replaced == 1
        module.write_text(text, encoding="utf-8")

    def etl(self, rows: Sequence[Row], engine: Sequence[str] = ()) -> dict[str, Any]:
        """The status of a run on trips."""
        write(self.folder / "trips.csv", rows, API)
        self.run("etl", "trips.csv", "--max-dropped", "1", *engine)
        return self.status()

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "data/pipeline/status.json").read_bytes())
        return found

    def read(self, name: str) -> pd.DataFrame:
        """The rows of a folder of the pipeline's output."""
        table = pd.read_parquet(self.folder / "data" / "pipeline" / name)
        keys = ["hour", "area"] if name == "hourly" else ["trip_id"]
        return table.sort_values(keys).reset_index(drop=True)


ENGINES = [
    pytest.param((), id="duckdb"),
    pytest.param(
        ("--engine", "pyspark", "--master", "local[2]", "--spark", "spark.ui.enabled=false"),
        marks=[needs_spark, pytest.mark.slow, pytest.mark.nightly],
        id="pyspark",
    ),
]


def at(identifier: str, start: str, end: str = "", **changes: str) -> Row:
    return trip(identifier, API, start=start, end=end, **{"pickup_area": "3", **changes})


@pytest.mark.parametrize("engine", ENGINES)
def test_trips_are_cleaned_by_the_clock_and_the_limits_of_the_city(
    engine: tuple[str, ...], tmp_path: Path
) -> None:
    work = Workplace(tmp_path, NORTH)
    status = work.etl(
        [
            at("skipped", "2023-03-26T02:30:00.000"),
            at("chicago skips it", "2023-03-12T02:30:00.000"),
            at("repeated", "2023-10-29T02:45:00.000", "2023-10-29T02:15:00.000"),
            at("chicago repeats it", "2023-11-05T01:45:00.000", "2023-11-05T01:15:00.000"),
            at("summer", "2023-03-26T01:30:00Z", miles="10"),
            at("winter", "2023-12-31T23:30:00Z"),
            at("offset", "2023-07-01T00:15:00-05:00"),
            at("no area", "2023-03-12T05:00:00.000", pickup_area="7"),
            at("far", "2023-03-12T05:00:00.000", miles="1601"),
            at("not so far", "2023-03-12T05:00:00.000", miles="1602", pickup_area="11"),
            at("dear", "2023-03-12T05:00:00.000", fare="500.01"),
            at("early", "2014-12-31T23:59:00.000"),
        ],
        engine,
    )
    assert {name: count for name, count in status["dropped"].items() if count} == {
        "start_in_skipped_hour": 1,
        "ends_before_start": 1,
        "unknown_pickup_area": 1,
        "too_dear": 1,
        "start_too_early": 1,
    }
    assert status["marked"]["utc_converted"] == 2
    assert status["marked"]["zone_converted"] == 1
    trips = work.read("trips").set_index("trip_id")
    assert {name: str(start) for name, start in trips["start"].items()} == {
        "chicago skips it": "2023-03-12 02:30:00",
        "repeated": "2023-10-29 02:45:00",
        "summer": "2023-03-26 03:30:00",
        "winter": "2024-01-01 00:30:00",
        "offset": "2023-07-01 07:15:00",
        "far": "2023-03-12 05:00:00",
        "not so far": "2023-03-12 05:00:00",
    }
    assert trips["miles"]["summer"] == 6.21
    hourly = work.read("hourly")
    assert set(hourly["area"]) == {3, 11}
    assert hourly.set_index(["hour", "area"])["trips"][pd.Timestamp("2023-03-26T03"), 3] == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_clock_half_an_hour_from_whole_hours_is_kept(
    engine: tuple[str, ...], tmp_path: Path
) -> None:
    work = Workplace(tmp_path, EAST)
    status = work.etl(
        [
            at("first", "2023-01-01T00:10:00Z", pickup_area="1"),
            at("second", "2023-01-01T00:40:00Z", pickup_area="1"),
            at("no summer time", "2023-03-26T02:30:00.000", pickup_area="2"),
            at("ends first", "2023-10-29T02:45:00.000", "2023-10-29T02:15:00.000"),
        ],
        engine,
    )
    assert {name for name, count in status["dropped"].items() if count} == {"ends_before_start"}
    trips = work.read("trips").set_index("trip_id")
    assert str(trips["start"]["first"]) == "2023-01-01 05:40:00"
    hourly = work.read("hourly").set_index(["hour", "area"])["trips"]
    assert hourly[pd.Timestamp("2023-01-01T05"), 1] == 1
    assert hourly[pd.Timestamp("2023-01-01T06"), 1] == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("city", "areas", "hours"),
    [
        # 90 days, without the hour that the clock skips on 26 March.
        (NORTH, {3: "Altstadt", 11: "Hafen & Kai"}, 90 * 24 - 1),
        (EAST, {1: "Bazaar", 2: "Ghat"}, 90 * 24),
    ],
    ids=["summer time", "half an hour"],
)
def test_a_city_is_generated_cleaned_trained_predicted_and_served(
    city: str, areas: dict[int, str], hours: int, tmp_path: Path
) -> None:
    work = Workplace(tmp_path, city)
    work.run("generate", "trips.csv", "--rows", "60000", "--days", "90")
    summary = work.run("etl", "trips.csv")
    assert "x 2 areas" in summary
    status = work.status()
    assert status["hours"] == hours
    assert (status["dropped"]["start_in_skipped_hour"] > 0) == (city == NORTH)
    assert status["dropped"]["unknown_pickup_area"] > 0
    assert 1 < work.read("trips")["miles"].median() < 20
    trained = work.run("train", "--data", "data/pipeline", "--rows", "10000", "--folds", "1")
    assert "Sealed" in trained
    work.run("predict")

    [one, other] = sorted(areas)
    predictions = work.folder / "data" / "pipeline" / "predictions"
    with work.serve(predictions_dir=predictions) as service:
        wait_until(lambda: service.get("/ready").status_code == 200, "predictions are served")
        found = service.get("/areas").json()
        rows = service.get(f"/demand?area={other}&limit=1000").json()
        outside = service.get(f"/demand?area={other + 1}")
        page = service.get("/").text
        document = service.get("/openapi.json").json()
    assert {row["area_id"]: row["name"] for row in found} == areas
    assert len(rows) == 7 * 24
    assert {row["pickup_community_area"] for row in rows} == {other}
    assert rows[0]["start"] == "2023-04-01T00:00"
    assert min(row["avg_fare"] for row in rows) > 0
    assert outside.status_code == 422
    name, title = ("Nordhafen", "Districts") if city == NORTH else ("Purvapur", "Wards")
    assert f"<title>Taxi demand in {name}</title>" in page
    assert f'aria-label="{title}, north is up"' in page
    assert "Chicago" not in page
    layout = json.loads(page.split("const layout = ")[1].split(";\n")[0])
    places = {tile["area"]: (tile["row"], tile["column"]) for tile in layout["tiles"]}
    assert places == ({one: (1, 1), other: (1, 2)} if city == NORTH else {1: (1, 2), 2: (2, 1)})
    assert layout["distance"] == "km"
    assert f"{name}'s 2 {title.lower()}" in document["info"]["description"]
    assert "Chicago" not in json.dumps(document["components"]["schemas"]["DemandRow"])


def test_holidays_are_those_of_the_country_and_its_part(tmp_path: Path) -> None:
    code = (
        "import json, numpy as np; from chicagotaxi.forecast.holiday_kinds import holiday_kind;"
        "days = np.array({}, dtype='datetime64[h]'); print(json.dumps(holiday_kind(days).tolist()))"
    )
    days = ["2023-10-03T12", "2023-03-08T12", "2023-08-15T12", "2023-07-04T12"]
    # 1 is a holiday of the country, 3 the day after one, 4 a holiday of its part only.
    for city, expected in ((NORTH, [1, 4, 0, 0]), (EAST, [3, 1, 1, 0])):
        work = Workplace(tmp_path / str(len(city)), city)
        assert json.loads(work.python("-c", code.format(days))) == expected


def test_counts_in_utc_are_whole_hours_of_a_clock_that_is_half_an_hour_away(
    tmp_path: Path,
) -> None:
    work = Workplace(tmp_path, EAST)
    code = (
        "import sys; from pathlib import Path; from chicagotaxi.history.counts import read_counts;"
        "print(read_counts(Path(sys.argv[1]), notice=print).panel.start)"
    )
    counts = tmp_path / "counts.csv"
    counts.write_text("hour,area,trips\n2023-01-01T07:30:00Z,1,5\n2023-01-01T14:00+05:30,2,5\n")
    notice, start = work.python("-c", code, counts).splitlines()
    assert "converted to Purvapur's clock" in notice
    assert start == "2023-01-01T13"
    counts.write_text("hour,area,trips\n2023-01-01T07:00:00Z,1,5\n")
    assert "the start of an hour" in work.python("-c", code, counts, code=1)


def test_a_clock_that_changes_by_half_an_hour_is_refused(tmp_path: Path) -> None:
    work = Workplace(tmp_path, NORTH.replace("Europe/Berlin", "Australia/Lord_Howe"))
    write(tmp_path / "trips.csv", [at("a", "2023-01-01T05:00:00.000")], API)
    refused = work.run("etl", "trips.csv", code=2)
    assert "Australia/Lord_Howe changes on 2015-04-05 by a part of an hour" in refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"areas": {}}, "areas must have one or more numbers"),
        ({"areas": {0: "Nowhere"}}, "areas must have one or more numbers from 1 to 32,766"),
        ({"areas": {40_000: "Far"}}, "areas must have one or more numbers from 1 to 32,766"),
        ({"tiles": "1 2 3"}, r"tiles must show each area once; look at \[4, 5"),
        ({"tiles": f"{CITY.tiles} 8"}, r"tiles must show each area once; look at \[8"),
        ({"airports": (99,)}, r"airports has \[99\], which are no areas"),
        ({"shares": {1: 0.6, 2: 0.5}}, "shares must be positive, and add up to at most 1"),
        ({"shares": {1: -0.1}}, "shares must be positive"),
        ({"time_zone": "Mars/Base"}, "time_zone is 'Mars/Base'; give a name such as Europe/Berlin"),
    ],
)
def test_an_impossible_city_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CITY, **changes)


def test_areas_without_a_map_are_placed_in_a_square_by_their_numbers() -> None:
    assert place_tiles("", (2, 5, 7, 8, 9)) == {
        2: (0, 0), 5: (0, 1), 7: (0, 2), 8: (1, 0), 9: (1, 1),
    }  # fmt: skip
    assert len(set(place_tiles("", AREAS).values())) == len(AREAS)
