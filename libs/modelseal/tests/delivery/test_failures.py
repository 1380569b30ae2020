"""What `fetch` does when the bucket, the disk or the process fails."""

import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import obstore
import pytest
from buckets import Answer, Bucket, Fault, Forward, Request
from model_folders import PIECE, PublishedModel, contents, siblings
from modelseal.delivery import retrying
from modelseal.delivery.fetching import fetch
from modelseal.errors import DeliveryError, UnreachableError

WEIGHTS = 3 * PIECE + 17


class Clock:
    """A clock that only sleeping advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(retrying, "time", made)
    return made


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "pod" / "current"


def unavailable(_request: Request, _forward: Forward) -> Answer:
    return Answer(503, {"Content-Type": "text/plain"}, b"SlowDown")


def is_read_of(request: Request, name: str, *, start: int | None = None) -> bool:
    asked = {k.lower(): v for k, v in request.headers.items()}.get("range", "")
    return (
        request.method == "GET"
        and request.name == name
        and (start is None or asked.startswith(f"bytes={start}-"))
    )


def cut(answer: Answer, length: int) -> bytes:
    """An answer whose connection is lost after some bytes of the body."""
    lines = [f"HTTP/1.1 {answer.status} x", f"Content-Length: {len(answer.body)}"]
    lines += [f"{k}: {v}" for k, v in answer.headers.items() if k.lower() != "content-length"]
    return "\r\n".join([*lines, "", ""]).encode() + answer.body[:length]


def dying_at(start: int) -> Fault:
    """Loses the connection in the middle of one chunk of the weights, every time."""

    def fault(request: Request, forward: Forward) -> Answer | bytes:
        answer = forward(request)
        if is_read_of(request, "weights.bin", start=start):
            return cut(answer, 100)
        return answer

    return fault


def test_fetch_succeeds_after_a_minute_of_503_answers(
    bucket: Bucket, published: PublishedModel, destination: Path, clock: Clock
) -> None:
    said: list[str] = []
    bucket.fault = lambda request, forward: (
        unavailable(request, forward) if clock.now < 60 else forward(request)
    )

    fetch(published.uri, destination, sha256=published.sha256, report=said.append)

    assert contents(destination) == contents(published.folder)
    assert 60 <= clock.now < 75
    assert "503" in said[0]
    assert "Trying again in" in said[0]
    assert len(bucket.asked) < 40


def test_fetch_fails_after_the_stall_timeout_if_the_bucket_never_recovers(
    bucket: Bucket, published: PublishedModel, destination: Path, clock: Clock
) -> None:
    bucket.fault = unavailable

    with pytest.raises(UnreachableError, match=r"503.* No progress for 180 s\."):
        fetch(published.uri, destination, sha256=published.sha256)
    assert clock.now == pytest.approx(180)
    assert not destination.exists()


def test_each_chunk_resets_the_stall_timeout(
    bucket: Bucket, published: PublishedModel, destination: Path, clock: Clock
) -> None:
    moved = [0.0]

    def hesitating(request: Request, forward: Forward) -> Answer:
        if request.name != "weights.bin":
            return forward(request)
        if clock.now < moved[-1] + 20:
            return unavailable(request, forward)
        if request.method == "GET":
            moved.append(clock.now)
        return forward(request)

    bucket.fault = hesitating
    fetch(published.uri, destination, sha256=published.sha256, stall_timeout_s=40)

    assert contents(destination) == contents(published.folder)
    assert clock.now > 80


@pytest.mark.usefixtures("clock")
def test_only_one_chunk_is_fetched_again_after_a_lost_connection(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    died: list[str] = []
    deadly = dying_at(PIECE)

    def once(request: Request, forward: Forward) -> Answer | bytes:
        if is_read_of(request, "weights.bin", start=PIECE) and not died:
            died.append(request.name)
            return deadly(request, forward)
        return forward(request)

    bucket.fault = once
    fetch(published.uri, destination, sha256=published.sha256)

    assert contents(destination) == contents(published.folder)
    # Four chunks, one of them twice.
    assert bucket.asked.count("GET weights.bin") == 5


@pytest.mark.usefixtures("clock")
def test_the_next_fetch_resumes_after_a_permanent_failure(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    bucket.fault = dying_at(PIECE)
    with pytest.raises(UnreachableError):
        fetch(published.uri, destination, sha256=published.sha256)
    assert not destination.exists()

    bucket.fault = None
    bucket.asked.clear()
    said: list[str] = []
    fetch(published.uri, destination, sha256=published.sha256, report=said.append)

    assert contents(destination) == contents(published.folder)
    assert f"Fetching weights.bin, {WEIGHTS} bytes, starting at byte {PIECE}." in said
    assert bucket.asked.count("GET weights.bin") == 3
    assert siblings(destination) == []


@pytest.mark.usefixtures("clock")
def test_a_damaged_partial_file_is_fetched_from_the_start(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    bucket.fault = dying_at(2 * PIECE)
    with pytest.raises(UnreachableError):
        fetch(published.uri, destination, sha256=published.sha256)
    (part,) = destination.parent.glob(".current-fetch-*/parts/weights.bin")
    part.write_bytes(bytes(2 * PIECE))  # zeros, as after a loss of power

    bucket.fault = None
    fetch(published.uri, destination, sha256=published.sha256)

    assert contents(destination) == contents(published.folder)


@pytest.mark.usefixtures("clock")
def test_a_partial_file_that_is_too_long_is_fetched_from_the_start(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    bucket.fault = dying_at(PIECE)
    with pytest.raises(UnreachableError):
        fetch(published.uri, destination, sha256=published.sha256)
    (part,) = destination.parent.glob(".current-fetch-*/parts/weights.bin")
    part.write_bytes(bytes(2 * WEIGHTS))

    bucket.fault = None
    fetch(published.uri, destination, sha256=published.sha256)

    assert contents(destination) == contents(published.folder)


def test_denied_access_is_not_retried(
    bucket: Bucket, published: PublishedModel, destination: Path, clock: Clock
) -> None:
    bucket.fault = lambda _request, _forward: Answer(403, {}, b"AccessDenied")

    with pytest.raises(DeliveryError, match=r"Access to .* was denied"):
        fetch(published.uri, destination, sha256=published.sha256)
    assert clock.now == 0
    assert len(bucket.asked) == 1


def test_a_refused_connection_is_retried(
    published: PublishedModel, destination: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "GOOGLE_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    with pytest.raises(UnreachableError, match=r"No progress for 30 s\."):
        fetch(published.uri, destination, sha256=published.sha256, stall_timeout_s=30)
    assert clock.now == pytest.approx(30)


def command(published: PublishedModel, destination: Path) -> list[str]:
    arguments = [published.uri, "--sha256", published.sha256, "--to", str(destination)]
    return [sys.executable, "-m", "modelseal", "fetch", *arguments]


def test_an_endless_answer_is_cut_off(
    bucket: Bucket, published: PublishedModel, destination: Path, clock: Clock
) -> None:
    sent = 0

    def endless(request: Request, forward: Forward) -> Answer | bytes:
        nonlocal sent
        answer = forward(request)
        if not is_read_of(request, "weights.bin"):
            return answer
        sent += 1
        # Five chunks instead of one, and a Content-Length of a terabyte.
        lines = [f"HTTP/1.1 {answer.status} x", f"Content-Length: {2**40}"]
        lines += [f"{k}: {v}" for k, v in answer.headers.items() if k.lower() != "content-length"]
        return "\r\n".join([*lines, "", ""]).encode() + answer.body * 5

    bucket.fault = endless
    with pytest.raises(UnreachableError, match=f"sent more than the {PIECE} bytes of the request"):
        fetch(published.uri, destination, sha256=published.sha256, stall_timeout_s=10)

    assert sent > 1
    assert not destination.exists()
    assert clock.now >= 10


def test_fetch_ends_with_75_if_the_bucket_does_not_answer(
    bucket: Bucket, published: PublishedModel, destination: Path
) -> None:
    bucket.fault = unavailable

    done = subprocess.run(
        [*command(published, destination), "--patience", "0"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 75, done.stderr
    assert "Try again when the bucket answers" in done.stderr


@pytest.mark.usefixtures("bucket")
def test_a_panic_of_the_client_is_retried(
    published: PublishedModel, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Like the one of the client: not a subclass of Exception, and not importable.
    panic = type("PanicException", (BaseException,), {})
    real, tries = obstore.head, []

    def head(*arguments: Any) -> Any:  # noqa: ANN401
        tries.append(arguments)
        if len(tries) == 1:
            raise panic("called `Result::unwrap()` on an `Err` value")
        return real(*arguments)

    monkeypatch.setattr(obstore, "head", head)
    fetch(published.uri, destination, sha256=published.sha256)

    assert contents(destination) == contents(published.folder)


@pytest.mark.usefixtures("bucket")
def test_an_interrupt_is_not_retried(
    published: PublishedModel, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def head(*_arguments: Any) -> None:  # noqa: ANN401
        raise KeyboardInterrupt

    monkeypatch.setattr(obstore, "head", head)
    with pytest.raises(KeyboardInterrupt):
        fetch(published.uri, destination, sha256=published.sha256)


def test_fetch_ends_with_2_and_leaves_nothing_if_the_disk_is_full(
    published: PublishedModel, destination: Path
) -> None:
    # The size limit of a process makes write() fail as a full disk does.
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "sys.dont_write_bytecode = True\n"
        "from modelseal.cli import app\n"
        "app()\n"
    )
    arguments = command(published, destination)[3:]

    process = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )

    assert process.returncode == 2
    assert f"{destination} cannot be written: File too large. Make room" in process.stderr
    assert not destination.exists()
    assert siblings(destination) == []


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143)]
)
def test_the_next_fetch_finishes_one_that_was_stopped_by_a_signal(
    bucket: Bucket,
    published: PublishedModel,
    destination: Path,
    number: signal.Signals,
    status: int,
) -> None:
    bucket.fault = lambda request, forward: (
        unavailable(request, forward) if request.name == "weights.bin" else forward(request)
    )
    with subprocess.Popen(
        command(published, destination), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Trying again" in line:
                break
        process.send_signal(number)
    assert process.returncode == status
    assert not destination.exists()
    assert len(siblings(destination)) == 1

    bucket.fault = None
    finished = subprocess.run(
        command(published, destination), capture_output=True, text=True, check=False
    )

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == f"toy 1.0.0 is in {destination}.\n"
    assert contents(destination) == contents(published.folder)
    assert siblings(destination) == []


def test_opening_a_model_does_not_import_the_client() -> None:
    code = "import modelseal, modelseal.cli, sys; sys.exit('obstore' in sys.modules)"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_pauses_between_retries_grow_and_are_random(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    wait = clock.sleep

    def noted(seconds: float) -> None:
        pauses.append(seconds)
        wait(seconds)

    monkeypatch.setattr(clock, "sleep", noted)

    def never() -> None:
        raise UnreachableError("No.", remedy="None.")

    with pytest.raises(UnreachableError):
        retrying.retry(never, stall_timeout_s=60, report=lambda _line: None)

    assert pauses[0] <= 0.5
    assert max(pauses) <= 10
    assert all(longer >= shorter / 2 for shorter, longer in pairwise(pauses[:-1]))
    assert len(set(pauses)) == len(pauses)
