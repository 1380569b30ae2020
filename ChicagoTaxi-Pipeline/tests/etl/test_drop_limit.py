"""Runs that drop too much end with an error that names the rule and shows what was seen."""

from pathlib import Path

import pytest
from chicagotaxi.cli import app
from chicagotaxi.etl.rules import DUPLICATE, NAMES
from chicagotaxi.schema import MAX_DROPPED
from chicagotaxi.sources.dialects import Dialect
from servicekit.files import DataError
from trips import API, BIGQUERY, PORTAL, Row, contents, dropped, run, trip, write
from typer.testing import CliRunner


def refused(inputs: Path, out: Path, limit: float = MAX_DROPPED) -> str:
    """Messages of runs that are refused and leave the output of an earlier one as it was."""
    run(write(out.parent / "earlier" / "a.csv", [trip("earlier")]), out)
    before = contents(out)
    with pytest.raises(DataError) as caught:
        run(inputs, out, max_dropped=limit)
    assert contents(out) == before
    assert str(caught.value).endswith("Nothing was written.")
    return str(caught.value)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_a_run_that_keeps_nothing_shows_the_form_and_the_first_three_values(
    tmp_path: Path, out: Path
) -> None:
    starts = ["2022-03-01 22:00", "1646172000", "1 March", "2 March"]
    rows = [trip(f"{number}", API, start=start) for number, start in enumerate(starts)]
    path = write(tmp_path / "a.csv", rows, API)
    for limit in (MAX_DROPPED, 1.0):
        assert refused(path, out, limit) == (
            "None of the 4 rows can be kept. Most broke the rule start_unreadable (4): the start "
            "is missing, or is not a time of this dialect. Expected: a time such as "
            f"2016-04-06T20:45:00.000. The first values in {path}: 'trip_start_timestamp': "
            "'2022-03-01 22:00', 'trip_start_timestamp': '1646172000', 'trip_start_timestamp': "
            "'1 March'. Correct the input. Nothing was written."
        )


def test_the_command_ends_with_code_2_when_nothing_can_be_kept(tmp_path: Path, out: Path) -> None:
    path = write(tmp_path / "a.csv", [trip("a", start="soon"), trip("b", start="late")])
    result = CliRunner().invoke(app, ["etl", str(path), "--out", str(out)])
    assert result.exit_code == 2
    assert "error: None of the 2 rows can be kept. Most broke the rule start_unr" in result.stderr
    assert list(contents(out)) == []


@pytest.mark.parametrize(("bad", "refuses"), [(30, False), (31, True)])
def test_more_than_the_limit_is_refused_and_as_much_is_not(
    tmp_path: Path, out: Path, bad: int, refuses: bool
) -> None:
    rows = [trip(f"{n}", pickup_area="" if n < bad else "8") for n in range(100)]
    path = write(tmp_path / "a.csv", rows)
    if not refuses:
        assert run(path, out, max_dropped=MAX_DROPPED).rows_kept == 70
        return
    messages = refused(path, out)
    assert messages.startswith(
        "31 of 100 rows would be dropped (31.0%), more than 30%. Most broke the rule no_pickup_area"
    )
    assert messages.endswith(
        "Correct the input, or allow more with --max-dropped. Nothing was written."
    )
    command = ["etl", str(path), "--out", str(out), "--max-dropped"]
    assert CliRunner().invoke(app, [*command, "0.30"]).exit_code == 2
    result = CliRunner().invoke(app, [*command, "0.31", "--replace"])
    assert result.exit_code == 0, result.output


def test_a_file_of_which_nothing_can_be_kept_is_not_hidden_by_the_others(
    tmp_path: Path, out: Path
) -> None:
    write(tmp_path / "in" / "good.csv", [trip(f"{n}") for n in range(99)])
    bad = write(tmp_path / "in" / "bad.csv", [trip("bad", fare="free", miles="far")])
    messages = refused(tmp_path / "in", out)
    assert messages == (
        f"None of the 1 row of {bad} can be kept. Most broke the rule number_unreadable (1): a "
        "value of seconds, miles, areas, tracts or amounts is given, but is not a number. "
        "Expected: digits 0 to 9 with an optional sign, decimal point and exponent, or an amount "
        f"such as $1,234.50. The first values in {bad}: 'Trip Miles': 'far', 'Fare': 'free'. "
        "Correct the input, or leave the file out. Nothing was written."
    )
    assert dropped(run(tmp_path / "in", out, max_dropped=1.0)) == {"number_unreadable": 1}


def test_identifiers_that_are_all_the_same_are_shown(tmp_path: Path, out: Path) -> None:
    path = write(tmp_path / "a.csv", [trip("the same") for _ in range(10)])
    messages = refused(path, out)
    assert "9 of 10 rows would be dropped (90.0%)" in messages
    assert f"Most broke the rule {DUPLICATE} (9)" in messages
    assert "Repeated identifiers: 'the same'." in messages


def test_files_without_rows_are_no_error(tmp_path: Path, out: Path) -> None:
    path = write(tmp_path / "a.csv", [])
    result = CliRunner().invoke(app, ["etl", str(path), "--out", str(out)])
    assert result.exit_code == 0
    assert "The inputs have no rows." in result.output


WORST: dict[str, Row] = {
    "header_among_rows": trip("Trip ID"),
    "no_trip_id": trip(""),
    "start_unreadable": trip("a", start="soon"),
    "start_too_early": trip("a", start="01/01/2012 10:00:00 AM"),
    "start_in_future": trip("a", start="01/01/2099 10:00:00 AM", end=""),
    "start_in_skipped_hour": trip("a", start="03/12/2023 02:15:00 AM", end=""),
    "end_unreadable": trip("a", end="later"),
    "ends_before_start": trip("a", end="04/06/2023 08:30:00 PM"),
    "number_unreadable": trip("a", dropoff_area="Loop"),
    "no_pickup_area": trip("a", pickup_area=""),
    "unknown_pickup_area": trip("a", pickup_area="78"),
    "negative_amount": trip("a", tolls="-$2.00"),
    "negative_distance": trip("a", miles="-1"),
    "negative_duration": trip("a", seconds="-1"),
    "too_far": trip("a", miles="1001"),
    "too_long": trip("a", seconds="86401"),
    "too_dear": trip("a", fare="$9000.01"),
}
SEEN = {
    "header_among_rows": "'Trip ID': 'Trip ID'",
    "no_trip_id": "'Trip ID': ''",
    "end_unreadable": "Expected: a time such as 04/06/2016 08:45:00 PM. The first values in",
    "ends_before_start": "PM', 'Trip End Timestamp': '04/06/2023 08:30:00 PM'",
    "number_unreadable": "'Dropoff Community Area': 'Loop'",
    "negative_amount": ": 'Tolls': '-$2.00'.",
    "negative_distance": "'Trip Miles': '-1'",
    "negative_duration": "'Trip Seconds': '-1'",
    "too_far": "'Trip Miles': '1001'",
    "too_long": "'Trip Seconds': '86401'",
    "too_dear": "'Fare': '$9000.01'",
    "unknown_pickup_area": "'Pickup Community Area': '78'",
}


@pytest.mark.parametrize("rule", [name for name in NAMES if name != DUPLICATE])
def test_the_columns_of_the_rule_are_shown(tmp_path: Path, out: Path, rule: str) -> None:
    messages = refused(write(tmp_path / "a.csv", [WORST[rule]]), out)
    assert f"Most broke the rule {rule} (1)" in messages
    assert (
        SEEN.get(rule, "'Trip Start Timestamp': " if "start" in rule else "Area': ''") in messages
    )


@pytest.mark.parametrize("dialect", [PORTAL, API, BIGQUERY], ids=lambda one: one.name)
def test_the_expected_form_is_that_of_the_files_dialect(
    tmp_path: Path, out: Path, dialect: Dialect
) -> None:
    messages = refused(write(tmp_path / "a.csv", [trip("a", dialect, start="x")], dialect), out)
    assert f"Expected: a time such as {dialect.example}. The first" in messages
    # And that form is one: what is shown as right must be right.
    example = write(
        tmp_path / "b.csv", [trip("b", dialect, start=dialect.example, end="")], dialect
    )
    assert run(example, out).rows_kept == 1


def test_the_real_files_are_well_below_the_limit(real_data: Path, tmp_path: Path) -> None:
    for name, share in (
        ("trips_2022-03-01_api.parquet", 0.087),
        ("trips_2013-2016_portal.csv", 0.157),
    ):
        status = run(real_data / name, tmp_path / name, max_dropped=MAX_DROPPED)
        assert 1 - status.rows_kept / status.rows_read == pytest.approx(share, abs=0.001)
