import re
import threading
import time
import weakref
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from logs import SCHEMA, ids, parts, record, rows, unexpected
from modelwatch.log import PredictionLog
from modelwatch.log.records import MAX_TEXT
from modelwatch.log.retention import delete_expired
from modelwatch.store import FolderStore


def log_to(folder: Path, **settings: object) -> PredictionLog:
    return PredictionLog(
        FolderStore(folder),
        SCHEMA,
        **{"flush_s": 3600, "warn": unexpected} | settings,  # type: ignore[arg-type]
    )


def test_a_record_is_a_row_with_all_that_is_declared(tmp_path: Path) -> None:
    log = log_to(tmp_path)
    log.start()
    before = time.time()
    record(log, 1)
    log.close()

    [row] = rows(
        tmp_path,
        'epoch(time), prediction_id, request_id, model, warnings, "feature.age", '
        '"feature.country", "feature.comment", "output.probability", "output.label", '
        '"key.customer"',
    )
    assert before - 1e-5 <= row[0] <= time.time()
    assert row[1:] == (
        "p1",
        "r1",
        "a" * 64,
        ["outside_training_range"],
        21.0,
        "France",
        "fine",
        0.25,
        "stays",
        "c1",
    )


def record_four(log: PredictionLog, **changes: object) -> list[str | None]:
    names = log.new_ids(4)
    values: dict[str, Any] = {
        "request_id": "r",
        "model": "a" * 64,
        "features": ({"age": float(age)} for age in range(4)),
        "outputs": [{"label": f"label{number}"} for number in range(4)],
        "keys": ({"customer": f"c{number}"} for number in range(4)),
        "warnings": [[], ["w1", "w2"], [], []],
    }
    log.record_all(names, **values | changes)
    return names


def test_the_answers_to_a_request_are_recorded_at_once(tmp_path: Path) -> None:
    log = log_to(tmp_path)
    names = record_four(log)
    assert log.counts() == (4, 0, 0, 0, 4)
    log.start()
    assert log.close() == (4, 0, 4, 0, 0)
    columns = 'prediction_id, request_id, "feature.age", "output.label", "key.customer", warnings'
    assert sorted(rows(tmp_path, columns), key=lambda row: row[2]) == [
        (names[0], "r", 0.0, "label0", "c0", []),
        (names[1], "r", 1.0, "label1", "c1", ["w1", "w2"]),
        (names[2], "r", 2.0, "label2", "c2", []),
        (names[3], "r", 3.0, "label3", "c3", []),
    ]


def test_a_full_queue_drops_the_answers_to_a_request_together(tmp_path: Path) -> None:
    log = log_to(tmp_path, max_waiting=7)
    names = record_four(log)
    record_four(log)
    log.start()
    assert log.close() == (8, 0, 4, 4, 0)
    assert sorted(ids(tmp_path)) == sorted(map(str, names))


@pytest.mark.parametrize(
    "changes", [{"features": [{}] * 3}, {"outputs": map(vars, [1, 2, 3, 4])}], ids=["few", "error"]
)
def test_answers_whose_values_cannot_be_read_are_dropped_and_counted(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    warned: list[str] = []
    log = log_to(tmp_path, warn=warned.append)
    record_four(log, **changes)
    record(log, 1)
    log.start()
    assert log.close() == (5, 0, 1, 4, 0)
    assert ids(tmp_path) == ["p1"]
    assert len(warned) == 1


def test_the_answers_to_a_request_may_fill_more_than_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwatch.log.prediction_log.PART_ROWS", 3)
    log = log_to(tmp_path)
    log.start()
    # A full part is written before the time.
    record_four(log)
    while log.counts().written < 4:
        time.sleep(0.01)
    log.close()
    assert [len(_ids_of(part)) for part in parts(tmp_path)] == [3, 1]


def test_new_ids_are_different_and_those_of_a_request_belong_together(tmp_path: Path) -> None:
    log = log_to(tmp_path)
    batches = [log.new_ids(3) for _ in range(100)]
    assert len({one for batch in batches for one in batch}) == 300
    assert [str(one).partition("-")[2] for one in batches[0]] == ["0", "1", "2"]
    assert len({str(one).partition("-")[0] for one in batches[0]}) == 1
    [alone] = log.new_ids(1)
    assert re.fullmatch("[0-9a-f]{32}", str(alone))


def test_an_answer_that_the_sample_leaves_out_gets_no_id_and_is_counted(tmp_path: Path) -> None:
    log = log_to(tmp_path, sample=0.3)
    names = [log.new_ids(1)[0] for _ in range(1000)] + log.new_ids(1000)
    for name in names:
        record(log, 0, prediction_id=name)
    log.start()
    counts = log.close()
    given = sorted(name for name in names if name is not None)
    assert sorted(ids(tmp_path)) == given
    assert (counts.written, counts.sampled_out) == (len(given), 2000 - len(given))
    # Five standard deviations.
    assert abs(len(given) - 600) < 103


def test_what_is_not_declared_is_not_logged(tmp_path: Path) -> None:
    log = log_to(tmp_path)
    log.start()
    record(log, 1, features={"age": 30, "name": "Ann Lee"}, outputs={"label": "stays", "raw": 1})
    log.close()

    [part] = parts(tmp_path)
    columns = set(duckdb.read_parquet(str(part)).columns)
    assert columns >= {"feature.age", "output.label"}
    assert not columns & {"feature.name", "output.raw", "name", "raw"}
    assert b"Ann Lee" not in part.read_bytes()


def test_missing_values_are_null(tmp_path: Path) -> None:
    log = log_to(tmp_path)
    log.start()
    record(log, 1, features={"age": None}, outputs={}, key=None)
    log.close()

    [row] = rows(tmp_path, '"feature.age", "feature.country", "output.label", "key.customer"')
    assert row == (None, None, None, None)


def test_parts_are_in_a_folder_for_each_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_to(tmp_path)
    midnight = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
    for number, seconds in enumerate((-2, -1, 0, 1, 2)):
        monkeypatch.setattr(
            "modelwatch.log.prediction_log.time.time", lambda s=seconds: midnight + s
        )
        record(log, number)
    log.start()
    counts = log.close()

    assert counts.written == 5
    assert [(part.parent.name, len(_ids_of(part))) for part in parts(tmp_path)] == [
        ("day=2026-02-28", 2),
        ("day=2026-03-01", 3),
    ]


def test_rows_are_written_after_the_stated_seconds(tmp_path: Path) -> None:
    log = log_to(tmp_path, flush_s=0.05)
    log.start()
    record(log, 1)
    while log.counts().written < 1:
        time.sleep(0.01)
    assert ids(tmp_path) == ["p1"]
    record(log, 2)
    while log.counts().written < 2:
        time.sleep(0.01)
    assert ids(tmp_path) == ["p1", "p2"]
    assert log.close().dropped == 0


def test_a_full_part_is_written_before_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwatch.log.prediction_log.PART_ROWS", 100)
    log = log_to(tmp_path, flush_s=3600)
    log.start()
    for number in range(100):
        record(log, number)
    while log.counts().written < 100:
        time.sleep(0.01)
    log.close()


def test_after_a_drain_every_record_is_written_or_counted(tmp_path: Path) -> None:
    """Eight threads record while the log writes, into a queue that is too small for them."""
    log = log_to(tmp_path, flush_s=0.01, max_waiting=200)
    log.start()

    def work(thread: int) -> None:
        for number in range(2000):
            record(log, thread * 10_000 + number)
            if number % 50 == 0:
                time.sleep(0.001)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = log.close(timeout_s=60)

    found = ids(tmp_path)
    assert counts.recorded == 16_000
    assert counts.waiting == 0
    assert len(found) == len(set(found)) == counts.written
    assert counts.written + counts.dropped == 16_000
    assert counts.written >= 200


def test_a_full_queue_drops_and_counts(tmp_path: Path) -> None:
    log = log_to(tmp_path, max_waiting=10)
    for number in range(25):
        record(log, number)
    assert log.counts() == (25, 0, 0, 15, 10)
    log.start()
    assert log.close() == (25, 0, 10, 15, 0)
    assert ids(tmp_path) == [f"p{number}" for number in range(10)]


def test_a_record_after_the_drain_is_counted_as_dropped(tmp_path: Path) -> None:
    log = log_to(tmp_path)
    log.start()
    log.close()
    record(log, 1)
    assert log.counts() == (1, 0, 0, 1, 0)


@pytest.mark.parametrize("rows", [1, 4])
def test_few_answers_are_unread_while_the_store_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Unread answers keep all that their requests have made. A request reads few of them."""
    monkeypatch.setattr("modelwatch.log.prediction_log._MAX_UNREAD", 12)
    writing, goes_on = threading.Event(), threading.Event()

    class SlowStore(FolderStore):
        def put(self, name: str, contents: bytes) -> None:
            writing.set()
            assert goes_on.wait(60)
            super().put(name, contents)

    class Row(dict[str, object]):
        """Its end can be seen."""

    log = PredictionLog(SlowStore(tmp_path), SCHEMA, flush_s=0.01, warn=unexpected)
    log.start()
    record(log, 0)
    assert writing.wait(60)
    given: list[weakref.ref[Row]] = []
    unread = []
    for first in range(1, 101, rows):
        features = [Row(age=float(number)) for number in range(first, first + rows)]
        given += map(weakref.ref, features)
        log.record_all(
            [f"p{number}" for number in range(first, first + rows)],
            request_id="r",
            model="a" * 64,
            features=features,
            outputs=[{}] * rows,
            warnings=[()] * rows,
        )
        del features
        unread.append(sum(row() is not None for row in given))
    assert log.counts().waiting == 101
    goes_on.set()
    assert log.close(timeout_s=60) == (101, 0, 101, 0, 0)
    assert sorted(ids(tmp_path)) == sorted(f"p{number}" for number in range(101))
    assert unread == [min(number, 12 + rows) for number in range(rows, 101, rows)]


class _Hostile:
    def __str__(self) -> str:
        raise RuntimeError

    def __float__(self) -> float:
        raise RuntimeError


@pytest.mark.parametrize(
    "features",
    [{"age": "old"}, {"age": 10**400}, {"age": _Hostile()}, {"country": _Hostile()}],
    ids=["text", "too-large", "hostile-number", "hostile-text"],
)
def test_a_value_of_another_kind_costs_only_its_own_record(
    tmp_path: Path, features: dict[str, object]
) -> None:
    warned: list[str] = []
    log = log_to(tmp_path, warn=warned.append)
    record(log, 1)
    record(log, 2, features=features)
    record(log, 3)
    log.start()
    assert log.close() == (3, 0, 2, 1, 0)
    assert ids(tmp_path) == ["p1", "p3"]
    assert warned == [
        "1 records have values of another kind than declared. Waiting: 2, dropped: 1."
    ]


def test_values_that_can_be_converted_are(tmp_path: Path) -> None:
    log = log_to(tmp_path)
    record(log, 1, features={"age": True, "country": 7}, outputs={"label": "half \ud83d"})
    log.start()
    assert log.close().written == 1
    assert rows(tmp_path, '"feature.age", "feature.country", "output.label"') == [
        (1.0, "7", "half ?")
    ]


def test_long_texts_are_cut(tmp_path: Path) -> None:
    log = log_to(tmp_path)
    record(log, 1, features={"comment": "x" * 100_000})
    log.start()
    log.close()
    assert rows(tmp_path, 'length("feature.comment")') == [(MAX_TEXT,)]


def test_the_sample_is_decided_by_the_prediction_id(tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        log = log_to(tmp_path / name, sample=0.25)
        for number in range(4000):
            record(log, number)
        log.start()
        counts = log.close()
        assert counts.written + counts.sampled_out == counts.recorded == 4000
        found.append(ids(tmp_path / name))
    assert found[0] == found[1]
    # Five standard deviations.
    assert abs(len(found[0]) - 1000) < 140
    # A smaller sample is part of a larger one.
    log = log_to(tmp_path / "smaller", sample=0.05)
    for number in range(4000):
        record(log, number)
    log.start()
    log.close()
    assert set(ids(tmp_path / "smaller")) < set(found[0])


def test_old_days_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        "predictions/day=2020-01-01/a.parquet",
        "truth/day=2020-01-01/a.parquet",
        "shadow/day=2020-01-01/a.parquet",
        "predictions/day=9999-01-01/a.parquet",
        "predictions/day=2020-01-01/notes.txt",
        "predictions/day=unknown/a.parquet",
        "other/day=2020-01-01/a.parquet",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    log = log_to(tmp_path, keep_days=30, flush_s=0.01)
    log.start()
    while (tmp_path / "truth/day=2020-01-01").exists():
        time.sleep(0.01)
    log.close()

    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == [
        "other/day=2020-01-01/a.parquet",
        "predictions/day=2020-01-01/notes.txt",
        "predictions/day=9999-01-01/a.parquet",
        "predictions/day=unknown/a.parquet",
    ]


def test_a_day_is_deleted_when_it_is_more_than_the_kept_days_ago(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    days = ["2026-01-29", "2026-01-30", "2026-01-31", "2026-03-01"]
    for day in days:
        store.put(f"predictions/day={day}/a.parquet", b"x")
    delete_expired(store, keep_days=30, today=date(2026, 3, 1))
    assert store.names("predictions") == [f"predictions/day={day}/a.parquet" for day in days[1:]]


def _ids_of(part: Path) -> list[str]:
    return [row[0] for row in duckdb.read_parquet(str(part)).project("prediction_id").fetchall()]


def test_answers_that_come_during_a_write_wait_for_the_next_one(tmp_path: Path) -> None:
    """Under load, each write would otherwise be followed by another one of a few rows, for ever."""

    class BusyStore(FolderStore):
        def put(self, name: str, contents: bytes) -> None:
            super().put(name, contents)
            record(log, 1)

    log = PredictionLog(BusyStore(tmp_path), SCHEMA, flush_s=3600, warn=lambda _message: None)
    record(log, 0)
    log.start()
    counts = log.close(timeout_s=2)
    assert (counts.written, counts.dropped) == (1, 1)
    assert len(parts(tmp_path)) == 1
