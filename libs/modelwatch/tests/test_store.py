import os
import time
from pathlib import Path
from uuid import uuid4

import pytest
from buckets import Bucket
from logs import SCHEMA, record_one
from modelwatch.database.store import DatabaseStore
from modelwatch.errors import PlaceError, StoreError
from modelwatch.log import LogSettings, open_log
from modelwatch.store import BucketStore, FileBasedStore, FolderStore, check_address, open_store
from pydantic import ValidationError


def check_store(store: FileBasedStore | DatabaseStore) -> None:
    assert isinstance(store, FileBasedStore)
    assert store.names("predictions") == []
    store.put("predictions/day=2026-01-02/b.parquet", b"two")
    store.put("predictions/day=2026-01-01/a.parquet", b"old")
    store.put("predictions/day=2026-01-01/a.parquet", b"one")
    store.put("truth/day=2026-01-01/a.parquet", b"true")

    assert store.names("predictions") == [
        "predictions/day=2026-01-01/a.parquet",
        "predictions/day=2026-01-02/b.parquet",
    ]
    assert store.read("predictions/day=2026-01-01/a.parquet") == b"one"
    store.delete("predictions/day=2026-01-01/a.parquet")
    store.delete("predictions/day=2026-01-01/a.parquet")
    assert store.names("predictions") == ["predictions/day=2026-01-02/b.parquet"]
    with pytest.raises(StoreError, match=r"predictions/day=2026-01-01/a\.parquet"):
        store.read("predictions/day=2026-01-01/a.parquet")


def test_a_folder_keeps_files(tmp_path: Path) -> None:
    check_store(open_store(str(tmp_path / "log")))
    assert not list(tmp_path.glob("log/.*"))


def test_a_bucket_keeps_files(bucket: Bucket) -> None:
    check_store(open_store(f"{bucket.uri}/{uuid4().hex}/log"))


def test_an_address_opens_the_store_of_its_kind(tmp_path: Path) -> None:
    for address, kind in (
        (str(tmp_path), FolderStore),
        (f"file://{tmp_path}/", FolderStore),
        ("s3://bucket/log", BucketStore),
        ("gs://bucket/log/", BucketStore),
        ("postgresql://ann@db:5432/watch?schema=orders", DatabaseStore),
    ):
        store = open_store(address)
        assert type(store) is kind
        assert store.address == address.removeprefix("file://").rstrip("/")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "s3://bucket",
        "s3:///log",
        "gs://b/log",
        "http://host/log",
        "s3://bucket/log?x=1",
        "s3://bucket/../log",
        "file://",
    ],
)
def test_other_addresses_are_refused_with_the_valid_forms(address: str) -> None:
    with pytest.raises(PlaceError, match=r"Write a path, file:///folder, s3://bucket/folder"):
        check_address(address)


def test_temporary_files_of_killed_processes_are_removed_later(tmp_path: Path) -> None:
    for name, age_s in ((".old.tmp", 7200), (".new.tmp", 60), ("kept.tmp", 7200)):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    FolderStore(tmp_path).remove_left()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new.tmp", "kept.tmp"]


def test_without_a_place_there_is_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREDICTION_LOG", raising=False)
    assert open_log(LogSettings(), SCHEMA) is None


def test_the_settings_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("PREDICTION_LOG_SAMPLE", "0.5")
    monkeypatch.setenv("PREDICTION_LOG_FLUSH_S", "3600")
    log = open_log(LogSettings(), SCHEMA)
    assert log is not None
    log.start()
    for number in range(100):
        record_one(
            log,
            f"p{number}",
            features={"age": 3, "comment": "secret words"},
            outputs={"label": "stays"},
        )
    counts = log.close()
    assert counts.sampled_out + counts.written == 100
    assert 20 < counts.written < 80
    [part] = (tmp_path / "log").rglob("*.parquet")
    # Texts are logged only on request.
    assert b"comment" not in part.read_bytes()
    assert b"secret" not in part.read_bytes()
    assert not caplog.records


def test_warnings_go_to_the_log_of_the_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "log").write_bytes(b"")
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path / "log"))
    log = open_log(LogSettings(), SCHEMA)
    assert log is not None
    log.start()
    record_one(log, "p", features={}, outputs={})
    assert log.close(timeout_s=0.1).dropped == 1
    assert [record.name for record in caplog.records] == ["modelwatch"] * 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PREDICTION_LOG", "ftp://host/log"),
        ("PREDICTION_LOG_FLUSH_S", "0"),
        ("PREDICTION_LOG_SAMPLE", "1.5"),
        ("PREDICTION_LOG_KEEP_DAYS", "0"),
    ],
)
def test_wrong_settings_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        LogSettings()


def test_a_file_has_its_name_only_when_it_is_whole_and_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed before leaves no part that is torn."""
    visible: list[list[Path]] = []
    flush = os.fsync

    def look(descriptor: int) -> None:
        visible.append(list(tmp_path.rglob("*.parquet")))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    FolderStore(tmp_path).put("predictions/day=2026-01-01/a.parquet", b"contents")
    assert visible == [[]]
    assert len(list(tmp_path.rglob("*.parquet"))) == 1
