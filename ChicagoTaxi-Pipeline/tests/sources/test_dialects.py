import pytest
from chicagotaxi.sources.columns import COLUMNS
from chicagotaxi.sources.dialects import DIALECTS, Dialect, detect, find_columns
from servicekit.files import DataError
from trips import API, BIGQUERY, PORTAL

REAL_PORTAL_HEADER = [
    "Trip ID",
    "Taxi ID",
    "Trip Start Timestamp",
    "Trip End Timestamp",
    "Trip Seconds",
    "Trip Miles",
    "Pickup Census Tract",
    "Dropoff Census Tract",
    "Pickup Community Area",
    "Dropoff Community Area",
    "Fare",
    "Tips",
    "Tolls",
    "Extras",
    "Trip Total",
    "Payment Type",
    "Company",
    "Pickup Centroid Latitude",
    "Pickup Centroid Longitude",
    "Pickup Centroid Location",
    "Dropoff Centroid Latitude",
    "Dropoff Centroid Longitude",
    "Dropoff Centroid  Location",
    "Community Areas",
]


def refusal(header: list[str]) -> str:
    with pytest.raises(DataError) as caught:
        detect(header, path="FILE")
    return str(caught.value)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
def test_a_dialect_is_known_by_its_header_in_any_order(dialect: Dialect) -> None:
    header = list(dialect.columns.values())
    assert detect(header, path="FILE") is dialect
    assert detect([*reversed(header), "more"], path="FILE") is dialect


def test_the_portals_header_is_the_portals() -> None:
    assert detect(REAL_PORTAL_HEADER, path="FILE") is PORTAL


def test_all_dialects_have_the_same_columns() -> None:
    assert {tuple(dialect.columns) for dialect in DIALECTS} == {COLUMNS}


def test_missing_columns_are_named_with_file_and_dialect() -> None:
    header = [name for name in API.columns.values() if name not in {"fare", "trip_miles"}]
    assert refusal(header) == (
        "FILE (dialect api) lacks the columns 'trip_miles', 'fare'. Export the table with these "
        "columns, and with its header."
    )
    header = [name for name in PORTAL.columns.values() if name != "Trip ID"]
    assert refusal(header).startswith("FILE (dialect portal) lacks the column 'Trip ID'.")
    header = [name for name in BIGQUERY.columns.values() if name != "fare"]
    assert refusal(header).startswith("FILE (dialect bigquery) lacks the column 'fare'.")


def test_a_name_in_another_case_is_shown_with_the_missing_column() -> None:
    header = ["Fare" if name == "fare" else name for name in API.columns.values()]
    assert "lacks the column 'fare'. There is 'Fare': case counts." in refusal(header)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
def test_columns_that_nothing_uses_may_be_missing(dialect: Dialect) -> None:
    optional = {"pickup_tract", "dropoff_tract", "dropoff_area", "taxi_id"}
    optional |= {"payment_type", "company"}
    header = [source for name, source in dialect.columns.items() if name not in optional]
    assert detect(header, path="FILE") is dialect
    assert find_columns(["x", *header], dialect) == {
        name: place
        for place, name in enumerate((one for one in COLUMNS if one not in optional), start=1)
    }


RIDE_SHARE = [
    "Trip ID",
    "Trip Start Timestamp",
    "Trip End Timestamp",
    "Trip Seconds",
    "Trip Miles",
    "Pickup Census Tract",
    "Dropoff Census Tract",
    "Pickup Community Area",
    "Dropoff Community Area",
    "Fare",
    "Tip",
    "Additional Charges",
    "Trip Total",
    "Shared Trip Authorized",
    "Trips Pooled",
]


@pytest.mark.parametrize(
    "header", [RIDE_SHARE, [name.lower().replace(" ", "_") for name in RIDE_SHARE]]
)
def test_ride_share_trips_are_refused_as_such(header: list[str]) -> None:
    message = refusal(header)
    assert "is a table of ride-share trips (Transportation Network Providers)" in message
    assert "Give files of the portal's data set Taxi Trips." in message
    assert "xport the" not in message


@pytest.mark.parametrize(
    ("delimiter", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
def test_another_delimiter_is_named(delimiter: str, name: str) -> None:
    message = f"FILE has fields that are separated by {name}. Write the table with commas."
    assert refusal([delimiter.join(REAL_PORTAL_HEADER)]) == message
    # A name with a comma does not make it a table with commas.
    line = delimiter.join([*REAL_PORTAL_HEADER, "Pickup, Dropoff"])
    assert refusal(line.split(",")) == message


def test_other_tables_are_refused_with_the_expected_names() -> None:
    message = refusal(["GEOID", "trip_count"])
    assert message.startswith(
        "FILE is not a table of taxi trips: its header names 'GEOID', 'trip_count'. Give"
    )
    assert "'unique_key' (bigquery)" in message


def test_a_header_that_is_not_shown_in_full_says_so() -> None:
    assert "names 'a0', 'a1', 'a2', 'a3' and 8 more." in refusal([f"a{n}" for n in range(12)])


def test_other_columns_may_have_any_names() -> None:
    header = ["", *API.columns.values(), "x", "x", "FARE", "__source__", "a\nb", '"', "\udcff"]
    assert detect(header, path="FILE") is API
    assert find_columns(header, API)["fare"] == header.index("fare")


def test_a_column_named_twice_is_refused() -> None:
    assert refusal([*API.columns.values(), "fare"]).startswith(
        "FILE: the header names 'fare' more than once."
    )
