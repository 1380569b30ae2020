import pytest
from chicagotaxi.dialects import COLUMNS, DIALECTS, Dialect, detect
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
        "FILE (dialect api) lacks the columns 'trip_miles', 'fare'. Export the whole table, with "
        "its header."
    )
    header = [name for name in PORTAL.columns.values() if name != "Trip ID"]
    assert refusal(header).startswith("FILE (dialect portal) lacks the column 'Trip ID'.")
    header = [name for name in BIGQUERY.columns.values() if name != "fare"]
    assert refusal(header).startswith("FILE (dialect bigquery) lacks the column 'fare'.")


@pytest.mark.parametrize(
    ("delimiter", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
def test_another_delimiter_is_named(delimiter: str, name: str) -> None:
    assert f"fields are separated by {name}" in refusal([delimiter.join(REAL_PORTAL_HEADER)])


def test_other_tables_are_refused_with_what_is_expected() -> None:
    message = refusal(["GEOID", "trip_count"])
    assert message.startswith("FILE is no table of taxi trips: its header begins with 'GEOID'")
    assert "'unique_key' (bigquery)" in message


def test_a_column_named_twice_is_refused() -> None:
    assert refusal([*API.columns.values(), "fare"]).startswith(
        "FILE: the header names 'fare' more than once."
    )
