import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest
from buckets import Bucket
from logs import SCHEMA, record, record_one, unexpected
from modelwatch.errors import TruthError
from modelwatch.log import LogSchema, PredictionLog
from modelwatch.reporting.log_tables import open_tables
from modelwatch.reporting.truth import OutcomeFile, TruthCounts, store_truth
from modelwatch.store import FolderStore, Store, open_store


def write_log(store: Store, count: int = 10, *, schema: LogSchema = SCHEMA) -> None:
    """A log of the predictions p0, p1 and so on."""
    log = PredictionLog(store, schema, flush_s=3600, warn=unexpected)
    log.start()
    for number in range(count):
        record(log, number)
    assert log.close().written == count


def outcomes(folder: Path, *lines: str, header: str = "prediction_id,outcome") -> OutcomeFile:
    path = folder / f"{uuid4().hex}.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return OutcomeFile(path)


def truth(store: Store) -> dict[str, str]:
    with open_tables(store) as tables:
        tables.add_truth()
        return dict(tables.connection.execute("select ref, outcome from truth").fetchall())


@pytest.fixture(params=["folder", "postgresql"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    address = str(tmp_path / "log")
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        # The commands get the address of the store, which has no password.
        monkeypatch.setenv("PGPASSWORD", server.password)
        address = server.address()
    store = open_store(address)
    write_log(store)
    yield store
    store.close()


def test_outcomes_are_stored_and_matched(store: Store, tmp_path: Path) -> None:
    counts = store_truth(store, outcomes(tmp_path, "p1,0", "p2,1", "p99,1"))
    assert counts == TruthCounts(
        rows=3, rejected=0, conflicting=0, new=3, corrected=0, known=0, matched=2, unmatched=1
    )
    assert truth(store) == {"p1": "0", "p2": "1", "p99": "1"}


def test_the_same_file_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    file = outcomes(tmp_path, "p1,0", "p2,1")
    store_truth(store, file)
    before = store.names("truth")
    counts = store_truth(store, file)
    assert (counts.new, counts.corrected, counts.known, counts.matched) == (0, 0, 2, 2)
    assert store.names("truth") == before


def test_the_same_outcomes_in_another_file_change_nothing(store: Store, tmp_path: Path) -> None:
    store_truth(store, outcomes(tmp_path, "p1,0", "p2,1"))
    before = store.names("truth")
    counts = store_truth(store, outcomes(tmp_path, "p2,1", "p1,0", "p1,0"))
    assert (counts.rows, counts.known) == (3, 2)
    assert store.names("truth") == before


def test_a_later_file_corrects(store: Store, tmp_path: Path) -> None:
    store_truth(store, outcomes(tmp_path, "p1,0", "p2,1"))
    counts = store_truth(store, outcomes(tmp_path, "p1,1", "p3,0"))
    assert (counts.new, counts.corrected, counts.known) == (1, 1, 0)
    assert truth(store) == {"p1": "1", "p2": "1", "p3": "0"}


def test_a_repeated_old_file_does_not_undo_a_correction(store: Store, tmp_path: Path) -> None:
    old = outcomes(tmp_path, "p1,0", "p2,1")
    store_truth(store, old)
    store_truth(store, outcomes(tmp_path, "p1,1"))
    counts = store_truth(store, old)
    assert (counts.new, counts.corrected, counts.known) == (0, 0, 2)
    assert truth(store) == {"p1": "1", "p2": "1"}


def test_outcomes_that_contradict_each_other_in_one_file_are_not_stored(
    store: Store, tmp_path: Path
) -> None:
    store_truth(store, outcomes(tmp_path, "p1,0"))
    counts = store_truth(store, outcomes(tmp_path, "p1,1", "p1,0", "p2,1"))
    assert (counts.conflicting, counts.new, counts.matched) == (1, 1, 1)
    assert truth(store) == {"p1": "0", "p2": "1"}


def test_wrong_outcomes_are_rejected_and_counted(tmp_path: Path) -> None:
    file = outcomes(tmp_path, "p1,0", "p2,", ",1", "p3,yes", "p4,nan", "p5,2", "p6, 1 ")
    for checked, stored in (
        (OutcomeFile(file.path, labels=("0", "1")), {"p1": "0", "p6": "1"}),
        (OutcomeFile(file.path, number=True), {"p1": "0", "p5": "2", "p6": "1"}),
    ):
        here = FolderStore(tmp_path / uuid4().hex)
        counts = store_truth(here, checked)
        assert truth(here) == stored
        assert counts.rejected == 7 - len(stored)
        assert counts.rows == 7


def test_an_outcome_may_arrive_before_its_prediction(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "log")
    file = outcomes(tmp_path, "p1,0")
    assert store_truth(store, file).unmatched == 1
    write_log(store)
    assert store_truth(store, file).matched == 1


def test_outcomes_match_by_the_business_key(tmp_path: Path) -> None:
    """Numbers of a key match as numbers, in CSV and Parquet."""
    schema = LogSchema(
        features={}, outputs={"demand": "number"}, key={"area": "number", "hour": "category"}
    )
    store = FolderStore(tmp_path / "log")
    log = PredictionLog(store, schema, flush_s=3600, warn=unexpected)
    log.start()
    for area in (8, 32):
        key = {"area": area, "hour": "2026-01-01T05"}
        record_one(log, f"p{area}", features={}, outputs={}, key=key)
    log.close()

    file = outcomes(
        tmp_path, "8,2026-01-01T05,12.5", "9,2026-01-01T05,1", ",x,1", header="area,hour,trips"
    )
    path = tmp_path / "trips.parquet"
    duckdb.read_csv(str(file.path)).write_parquet(str(path))
    for one in (file.path, path):
        counts = store_truth(store, OutcomeFile(one, key=("area", "hour"), outcome="trips"))
        assert (counts.rows, counts.rejected, counts.matched, counts.unmatched) == (3, 1, 1, 1)
    assert truth(store) == {"8.0\x1f2026-01-01T05": "12.5", "9.0\x1f2026-01-01T05": "1.0"}


def test_truth_is_stored_in_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    store = open_store(f"{bucket.uri}/{uuid4().hex}")
    write_log(store)
    file = outcomes(tmp_path, "p1,0", "p99,1")
    counts = store_truth(store, file)
    assert (counts.new, counts.matched, counts.unmatched) == (2, 1, 1)
    assert store_truth(store, file).known == 2
    assert truth(store) == {"p1": "0", "p99": "1"}


def test_large_files_are_stored_in_parts_and_an_interrupted_file_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "log")
    write_log(store)
    monkeypatch.setattr("modelwatch.reporting.truth._PART_ROWS", 2)
    file = outcomes(tmp_path, *(f"p{number},{number % 2}" for number in range(5)))
    store_truth(store, file)
    parts = store.names("truth")
    assert len(parts) == 3

    store.delete(parts[1])
    assert store_truth(store, file).new == 2
    assert truth(store) == {f"p{number}": str(number % 2) for number in range(5)}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("id,outcome\np1,0\n", "has no column prediction_id, but id, outcome"),
        ("prediction_id,label\np1,0\n", "has no column outcome, but label, prediction_id"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_used_stores_nothing(
    store: Store, tmp_path: Path, lines: str | None, message: str
) -> None:
    path = tmp_path / "file.csv"
    if lines is not None:
        path.write_text(lines, encoding="utf-8")
    with pytest.raises(TruthError, match=message):
        store_truth(store, OutcomeFile(path))
    assert store.names("truth") == []


def test_a_damaged_parquet_file_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(TruthError, match="cannot be read"):
        store_truth(store, OutcomeFile(tmp_path / "file.parquet"))


def test_a_key_that_the_log_has_not_is_refused(store: Store, tmp_path: Path) -> None:
    file = outcomes(tmp_path, "a,1", header="region,outcome")
    with pytest.raises(TruthError, match=r"region is no part .* these parts: customer"):
        store_truth(store, OutcomeFile(file.path, key=("region",)))


def test_the_command_prints_the_counts(store: Store, tmp_path: Path) -> None:
    file = outcomes(tmp_path, "p1,0", "p99,1", "p2,x", header="pid,left")
    command = [sys.executable, "-m", "modelwatch", "truth", str(file.path)]
    options = ["--log", store.address, "--id", "pid", "--outcome", "left", "--label", "0"]
    done = subprocess.run(
        [*command, *options, "--label", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert dict(line.split(":") for line in done.stdout.replace(" ", "").splitlines()) == {
        "rows": "3",
        "rejected": "1",
        "conflicting": "0",
        "new": "2",
        "corrected": "0",
        "known": "0",
        "matched": "1",
        "unmatched": "1",
    }


def test_the_command_says_what_is_wrong_and_ends_with_2(store: Store, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "modelwatch", "truth", str(tmp_path / "none.csv")]
    done = subprocess.run(
        [*command, "--log", store.address], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "none.csv cannot be read: No such file or directory." in done.stderr
