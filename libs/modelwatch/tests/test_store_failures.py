"""A store that fails costs records at most, never an answer; it is used again when it works."""

import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from buckets import Answer, Bucket, Fault, Forward, Request
from logs import Recording, ids, parts, stored_ids, until
from modelwatch.store import BucketStore, FolderStore

DENIED = b"<Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>"


def fail_with(answer: Answer | bytes) -> Fault:
    return lambda request, forward: (
        answer if request.method in {"PUT", "POST"} else forward(request)
    )


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, {}, b""),
        Answer(500, {}, b""),
        Answer(507, {}, b"<Error><Code>InsufficientStorage</Code></Error>"),
        Answer(403, {}, DENIED),
        Answer(401, {}, DENIED),
        Answer(404, {}, b"<Error><Code>NoSuchBucket</Code></Error>"),
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
    ],
    ids=["503", "500", "full", "read-only", "denied", "no-bucket", "cut-off", "torn-answer"],
)
def test_a_bucket_that_fails_is_used_again_when_it_works(
    bucket: Bucket, answer: Answer | bytes
) -> None:
    store = BucketStore(f"{bucket.uri}/{uuid4().hex}")
    bucket.fault = fail_with(answer)
    recording = Recording(store)
    recording.send(100)
    assert store.address in recording.wait_for_warning()
    recording.send(100)
    tried = len(bucket.asked)
    until(lambda: len(bucket.asked) >= tried + 3)
    bucket.fault = None
    recording.finish(store)


def test_a_write_whose_answer_is_lost_is_not_logged_twice(bucket: Bucket) -> None:
    """The bucket takes the part, and then the connection breaks."""
    store = BucketStore(f"{bucket.uri}/{uuid4().hex}")
    lost = threading.Event()

    def lose(request: Request, forward: Forward) -> Answer | bytes:
        answer = forward(request)
        if request.method in {"PUT", "POST"} and not lost.is_set():
            lost.set()
            return b""
        return answer

    bucket.fault = lose
    recording = Recording(store)
    recording.send(100)
    assert lost.wait(60)
    recording.wait_for_warning()
    recording.finish(store)


def test_new_credentials_are_used_when_the_old_ones_expire(
    emulators: Callable[[str], Bucket], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = emulators("s3")
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "expired")

    def check(request: Request, forward: Forward) -> Answer | bytes:
        if "Credential=expired/" in request.headers.get("authorization", ""):
            return Answer(403, {}, DENIED)
        return forward(request)

    bucket.fault = check
    store = BucketStore(f"{bucket.uri}/{uuid4().hex}")
    recording = Recording(store)
    recording.send(100)
    assert "403" in recording.wait_for_warning()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "renewed")
    until(lambda: recording.log.counts().written == 100)
    recording.finish(store)
    bucket.fault = None


def test_a_bucket_that_hangs_delays_no_record_and_fills_no_memory(bucket: Bucket) -> None:
    """The server keeps the request of a write. Meanwhile records are accepted, up to the limit."""
    store = BucketStore(f"{bucket.uri}/{uuid4().hex}")
    asked, answered = threading.Event(), threading.Event()

    def hang(request: Request, forward: Forward) -> Answer | bytes:
        if request.method in {"PUT", "POST"}:
            asked.set()
            assert answered.wait(60)
        return forward(request)

    bucket.fault = hang
    recording = Recording(store, max_waiting=500)
    recording.send(100)
    assert asked.wait(60)
    # `record` returns although the writer waits: otherwise this would never end.
    recording.send(900)
    assert recording.log.counts() == (1000, 0, 0, 500, 500)
    answered.set()
    counts = recording.log.close(timeout_s=60)
    assert counts == (1000, 0, 500, 500, 0)
    assert sorted(stored_ids(store)) == sorted(f"p{number}" for number in range(500))


def test_records_that_wait_for_a_broken_store_take_little_memory(tmp_path: Path) -> None:
    """A process with a limit of memory must not be killed because its log is down."""
    (tmp_path / "log").write_bytes(b"")
    recording = Recording(FolderStore(tmp_path / "log"))
    recording.send(100)
    recording.wait_for_warning()
    tracemalloc.start()
    try:
        # In steps, so that several attempts fail meanwhile however fast the machine is.
        for _ in range(20):
            recording.send(1_000)
            time.sleep(0.1)
        # As records, they would take 20 MB.
        until(lambda: tracemalloc.get_traced_memory()[0] < 1_000_000)
        assert recording.log.counts().waiting == 20_100
    finally:
        tracemalloc.stop()
    (tmp_path / "log").unlink()
    assert recording.log.close(timeout_s=60) == (20_100, 0, 20_100, 0, 0)
    # The first one, two full ones and the rest; some more at midnight. Attempts were about 40.
    assert len(parts(tmp_path / "log")) <= 6


def test_a_drain_does_not_wait_for_a_bucket_that_hangs(bucket: Bucket) -> None:
    store = BucketStore(f"{bucket.uri}/{uuid4().hex}")
    answered = threading.Event()

    def hang(request: Request, forward: Forward) -> Answer | bytes:
        if request.method in {"PUT", "POST"}:
            assert answered.wait(60)
        return forward(request)

    bucket.fault = hang
    recording = Recording(store)
    recording.send(100)
    try:
        # The request would take 30 s to fail.
        assert recording.log.close(timeout_s=0.2) == (100, 0, 0, 100, 0)
        assert recording.warned == ["The prediction log was closed, and 100 records were lost."]
    finally:
        answered.set()


def test_a_folder_that_cannot_be_created_is_used_when_it_can(tmp_path: Path) -> None:
    """A file is in its place. No other obstacle stops every user, root included."""
    (tmp_path / "log").write_bytes(b"")
    recording = Recording(FolderStore(tmp_path / "log"))
    recording.send(100)
    assert f"{tmp_path}/log/predictions" in recording.wait_for_warning()
    (tmp_path / "log").unlink()
    recording.finish(FolderStore(tmp_path / "log"))


FULL_DISK = """
import resource, signal, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from logs import SCHEMA, record
from modelwatch.log import PredictionLog
from modelwatch.store import FolderStore

# The size limit of a process makes write() fail as a full disk does.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
warned = []
log = PredictionLog(FolderStore(Path({folder!r})), SCHEMA, flush_s=0.02, warn=warned.append)
log.start()
for number in range(500):
    record(log, number)
while not warned:
    time.sleep(0.01)
print(warned)
print([path.name for path in Path({folder!r}).rglob("*") if path.is_file()])
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(tuple(log.close(60)), len(warned))
"""


def test_a_full_disk_leaves_no_torn_file_and_is_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    program = FULL_DISK.format(tests=str(Path(__file__).parent), folder=str(folder))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    warned, files, end = done.stdout.splitlines()
    assert "File too large" in warned
    # The writer may be at its next attempt, whose temporary file nobody reads as a part.
    assert ".parquet" not in files
    assert end == "(500, 0, 500, 0, 0) 1"
    assert len(ids(folder)) == 500


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_a_read_only_folder_is_used_when_it_is_writable(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro,size=10m", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode:
        pytest.skip("mount is not allowed here")
    try:
        recording = Recording(FolderStore(folder))
        recording.send(100)
        assert "Read-only file system" in recording.wait_for_warning()
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        recording.finish(FolderStore(folder))
    finally:
        subprocess.run(["umount", str(folder)], check=True)
