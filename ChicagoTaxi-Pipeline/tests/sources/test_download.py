import hashlib
import json
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from chicagotaxi.cli import app
from chicagotaxi.sources.download import fetch_days, read_ledger
from chicagotaxi.sources.portal import SodaClient, dataset_of
from portal import Portal, serve
from progress_recorder import ProgressRecorder
from servicekit.files import DataError, TryLaterError
from trips import API, clean, contents, run, trip
from typer.testing import CliRunner

FIRST, LAST = date(2023, 4, 6), date(2023, 4, 7)


@pytest.fixture
def portal() -> Iterator[Portal]:
    rows = [
        trip(
            f"{7919 * number % 10_007:040x}",
            API,
            start=f"2023-04-0{6 + number % 2}T10:15:00.000",
            end="",
        )
        for number in range(101)
    ]
    with serve(Portal(rows)) as served:
        yield served


class Waits(list[float]):
    """Notes how long it was asked to wait, and does not."""

    def __call__(self, seconds: float) -> None:
        if seconds > 0:
            self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def client(portal: Portal, waits: Waits) -> SodaClient:
    return SodaClient(base=portal.url, page_rows=20, pause_s=0.0, sleep=waits)


def identifiers(folder: Path) -> list[str]:
    parts = [pd.read_csv(path, dtype=str) for path in sorted(folder.glob("*.csv"))]
    return [str(one) for one in pd.concat(parts)["trip_id"]]


def test_every_trip_of_the_days_is_fetched_once_in_pages(
    portal: Portal, client: SodaClient, tmp_path: Path
) -> None:
    recorder = ProgressRecorder()
    summary = fetch_days(client, FIRST, LAST, tmp_path, progress=recorder)
    assert (summary.fetched, summary.rows) == ([FIRST, LAST], 101)
    found = identifiers(tmp_path)
    assert sorted(found) == sorted(row["trip_id"] for row in portal.rows)
    assert len(portal.pages) == 3 + 3
    assert {query["$order"] for query in portal.pages} == {"trip_id"}
    assert recorder.steps[:3] == [f"{FIRST}: {rows} trips" for rows in (20, 40, 51)]
    assert sum(recorder.amounts) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".lock",
        "fetched.json",
        "trips-2023-04-06.csv",
        "trips-2023-04-07.csv",
    ]
    status = run(tmp_path, tmp_path / "out")
    assert status.rows_kept == 101
    assert clean(tmp_path / "out")["trip_id"].is_unique


def test_the_ledger_has_the_digest_of_every_file(client: SodaClient, tmp_path: Path) -> None:
    fetch_days(client, FIRST, LAST, tmp_path)
    for day, entry in read_ledger(tmp_path).items():
        data = (tmp_path / entry.file).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry.sha256
        assert entry.dataset == dataset_of(day) == "wrvz-psew"
        assert entry.rows == data.count(b"\n") - 1


def test_complete_days_are_not_fetched_again(
    portal: Portal, client: SodaClient, tmp_path: Path
) -> None:
    fetch_days(client, FIRST, LAST, tmp_path)
    before, asked = contents(tmp_path), len(portal.asked)
    assert fetch_days(client, FIRST, LAST, tmp_path).there_already == [FIRST, LAST]
    assert (contents(tmp_path), len(portal.asked)) == (before, asked)
    path = tmp_path / "trips-2023-04-06.csv"
    path.write_bytes(path.read_bytes()[:-1])
    assert fetch_days(client, FIRST, LAST, tmp_path).fetched == [FIRST]
    assert path.read_bytes() == before[path.name]


@pytest.mark.parametrize(
    "fault",
    ["429", "500", "503", "truncated", "truncated gzip", "cut line", "short row", "disorder"],
)
def test_failed_requests_are_retried(
    portal: Portal, client: SodaClient, waits: Waits, tmp_path: Path, fault: str
) -> None:
    portal.faults = [None, fault, fault, "plain"]
    fetch_days(client, FIRST, FIRST, tmp_path)
    found = identifiers(tmp_path)
    assert (len(found), len(set(found))) == (51, 51)
    assert waits == [1.0, 2.0]


def test_the_wait_that_the_portal_asks_for_is_kept(
    portal: Portal, client: SodaClient, waits: Waits, tmp_path: Path
) -> None:
    portal.faults = ["429 in 7 s", "429 until", "429 at odds"]
    fetch_days(client, FIRST, FIRST, tmp_path)
    assert waits[0] == 7.0
    assert 25 < waits[1] <= 30
    assert waits[2] == 4.0


def test_requests_have_a_least_pause_between_them(
    portal: Portal, waits: Waits, tmp_path: Path
) -> None:
    client = SodaClient(base=portal.url, page_rows=20, pause_s=50.0, sleep=waits)
    fetch_days(client, FIRST, FIRST, tmp_path)
    assert len(waits) == 3
    assert min(waits) > 40


def test_retries_end_and_the_next_call_continues_from_there(
    portal: Portal, client: SodaClient, tmp_path: Path
) -> None:
    portal.faults = [None, None, *["503"] * 6]
    with pytest.raises(DataError, match="6 tries, at last status 503: later"):
        fetch_days(client, FIRST, LAST, tmp_path)
    assert not list(tmp_path.glob("*.csv"))
    before = len(portal.pages)
    fetch_days(client, FIRST, LAST, tmp_path)
    assert len(portal.pages) - before == 1 + 3
    assert len(identifiers(tmp_path)) == 101


def test_a_refused_request_is_not_retried(
    portal: Portal, client: SodaClient, tmp_path: Path
) -> None:
    portal.faults = ["403"]
    with pytest.raises(DataError, match="status 403: Invalid app_token specified"):
        fetch_days(client, FIRST, FIRST, tmp_path)
    assert len(portal.asked) == 1


def test_an_answer_that_is_not_a_table_of_trips_is_refused(
    portal: Portal, client: SodaClient, tmp_path: Path
) -> None:
    portal.faults = ["html"]
    with pytest.raises(DataError, match="the portal's answer is not a table of taxi trips"):
        fetch_days(client, FIRST, FIRST, tmp_path)


def test_a_day_whose_trips_change_meanwhile_is_fetched_again(
    portal: Portal, client: SodaClient, tmp_path: Path
) -> None:
    portal.faults = [None, None, None, "miscount"]
    fetch_days(client, FIRST, FIRST, tmp_path)
    assert len(portal.pages) == 6
    assert len(identifiers(tmp_path)) == 51
    portal.faults = [None, None, None, "miscount"] * 3
    with pytest.raises(DataError, match="counts 51 trips on 2023-04-07, but returns 50"):
        fetch_days(client, LAST, LAST, tmp_path)


def test_a_day_without_trips_is_reported_and_requested_again(
    portal: Portal, client: SodaClient, tmp_path: Path
) -> None:
    day = date(2024, 1, 1)
    for _ in range(2):
        assert fetch_days(client, day, day, tmp_path).without_trips == [day]
    assert [path for path, _ in portal.asked] == ["ajtu-isnz.csv", "ajtu-isnz.json"] * 2
    assert not list(tmp_path.glob("*.csv"))


def test_the_token_is_sent(portal: Portal, tmp_path: Path) -> None:
    fetch_days(SodaClient(base=portal.url, token="secret"), FIRST, FIRST, tmp_path)  # noqa: S106
    assert set(portal.tokens) == {"secret"}


def test_the_token_is_not_sent_to_another_origin(
    portal: Portal, client: SodaClient, tmp_path: Path
) -> None:
    client.token = "secret"  # noqa: S105
    with serve(Portal([])) as other:
        portal.faults = [f"to {other.url}/resource/wrvz-psew.csv"]
        with pytest.raises(DataError, match=rf"redirects to {other.url}\..*--portal"):
            fetch_days(client, FIRST, FIRST, tmp_path)
        assert other.asked == []
    again = portal.url + "/resource/wrvz-psew.csv?" + urllib.parse.urlencode(portal.pages[0])
    portal.faults = [f"to {again}"]
    assert fetch_days(client, FIRST, FIRST, tmp_path).rows == 51


@pytest.mark.parametrize(
    ("fault", "seconds"), [("429 for long", "601"), ("429 without end", "inf")]
)
def test_a_long_wait_ends_the_command(  # noqa: PLR0917
    portal: Portal, client: SodaClient, waits: Waits, tmp_path: Path, fault: str, seconds: str
) -> None:
    portal.faults = [fault]
    with pytest.raises(TryLaterError, match=f"left alone for {seconds} seconds. Run the same"):
        fetch_days(client, FIRST, FIRST, tmp_path)
    assert waits == []


def test_digits_of_other_scripts_are_not_a_wait(
    portal: Portal, client: SodaClient, waits: Waits, tmp_path: Path
) -> None:
    portal.faults = ["429 in odd digits"]
    fetch_days(client, FIRST, FIRST, tmp_path)
    assert waits == [1.0]


@pytest.mark.parametrize("fault", ["bomb", "flood"])
def test_an_answer_without_end_is_refused(
    portal: Portal, client: SodaClient, tmp_path: Path, fault: str
) -> None:
    client.max_body = 1_000_000
    portal.faults = [fault]
    with pytest.raises(DataError, match="more than 1,000,000 bytes"):
        fetch_days(client, FIRST, FIRST, tmp_path)


def test_a_day_that_was_fetched_early_is_fetched_again(
    portal: Portal, client: SodaClient, tmp_path: Path
) -> None:
    fetch_days(client, FIRST, LAST, tmp_path)
    ledger = json.loads((tmp_path / "fetched.json").read_bytes())
    for entry in ledger.values():
        entry["fetched"] = "2023-04-11T04:30:00Z"  # still the 10th in Chicago
    ledger[str(FIRST)]["fetched"] = "2023-04-10T05:30:00Z"
    (tmp_path / "fetched.json").write_text(json.dumps(ledger))
    late = trip("f" * 40, API, start="2023-04-07T10:15:00.000", end="")
    portal.rows.append(late)
    summary = fetch_days(client, FIRST, LAST, tmp_path)
    assert (summary.there_already, summary.fetched, summary.rows) == ([FIRST], [LAST], 102)
    assert fetch_days(client, FIRST, LAST, tmp_path).fetched == []


def test_impossible_days_are_refused(client: SodaClient, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is before the first"):
        fetch_days(client, LAST, FIRST, tmp_path)
    with pytest.raises(DataError, match="records begin in 2013"):
        fetch_days(client, date(2012, 12, 31), LAST, tmp_path)
    with pytest.raises(DataError, match="not an address of a portal"):
        SodaClient(base="file:///etc/passwd")


def test_a_portal_that_does_not_answer_is_named(waits: Waits, tmp_path: Path) -> None:
    client = SodaClient(base="http://127.0.0.1:9", tries=2, sleep=waits)
    with pytest.raises(TryLaterError, match=r"gave no usable answer in 2 tries.*refused"):
        fetch_days(client, FIRST, FIRST, tmp_path)


def test_a_damaged_ledger_is_refused(client: SodaClient, tmp_path: Path) -> None:
    (tmp_path / "fetched.json").write_text("{")
    with pytest.raises(DataError, match="is damaged"):
        fetch_days(client, FIRST, FIRST, tmp_path)


def test_a_killed_fetch_continues_after_its_last_page(portal: Portal, tmp_path: Path) -> None:
    portal.hold = True
    days = ["--first", "2023-04-06", "--last", "2023-04-07"]
    arguments = ["fetch", *days, str(tmp_path), "--portal", portal.url, "--page-rows", "20"]
    process = subprocess.Popen(
        [sys.executable, "-m", "chicagotaxi", *arguments], stderr=subprocess.DEVNULL
    )
    try:
        assert portal.waiting.wait(60)
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    assert not list(tmp_path.glob("*.csv"))
    portal.hold = False
    before = len(portal.pages)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "101 trips" in result.output
    assert "2 days fetched, 0 were there" in result.output
    # Two of the first day's three pages, and the second day's.
    assert len(portal.pages) - before == 2 + 3
    assert len(set(identifiers(tmp_path))) == 101
    one = ["fetch", *days[:2], "--last", "2023-04-06", str(tmp_path / "one"), *arguments[6:]]
    assert "1 day fetched, 0 were" in CliRunner().invoke(app, one).output
