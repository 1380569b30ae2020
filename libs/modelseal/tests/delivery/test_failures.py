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
from deliverables import PIECE, Published, around, contents
from modelseal.delivery import retrying
from modelseal.delivery.fetching import fetch
from modelseal.errors import DeliveryError, UnreachableError

WEIGHTS = 3 * PIECE + 17


class Clock:
    """Time that only passes while somebody waits."""

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
    """The answer as a server sends it that dies after some bytes of the body."""
    lines = [f"HTTP/1.1 {answer.status} x", f"Content-Length: {len(answer.body)}"]
    lines += [f"{k}: {v}" for k, v in answer.headers.items() if k.lower() != "content-length"]
    return "\r\n".join([*lines, "", ""]).encode() + answer.body[:length]


def dying_at(start: int) -> Fault:
    """Dies in the middle of one piece of the weights, each time it is asked for."""

    def fault(request: Request, forward: Forward) -> Answer | bytes:
        answer = forward(request)
        if is_read_of(request, "weights.bin", start=start):
            return cut(answer, 100)
        return answer

    return fault


def test_a_bucket_that_answers_503_for_a_minute_is_waited_for(
    bucket: Bucket, published: Published, destination: Path, clock: Clock
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


def test_a_bucket_that_never_recovers_is_given_up_in_time(
    bucket: Bucket, published: Published, destination: Path, clock: Clock
) -> None:
    bucket.fault = unavailable

    with pytest.raises(UnreachableError, match=r"503.* No progress for 180 s\."):
        fetch(published.uri, destination, sha256=published.sha256)
    assert clock.now == pytest.approx(180)
    assert not destination.exists()


def test_a_bucket_that_fails_between_all_pieces_is_fetched_from_as_long_as_something_moves(
    bucket: Bucket, published: Published, destination: Path, clock: Clock
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
def test_a_server_that_dies_midway_costs_one_piece(
    bucket: Bucket, published: Published, destination: Path
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
    # Four pieces, and one of them twice.
    assert bucket.asked.count("GET weights.bin") == 5


@pytest.mark.usefixtures("clock")
def test_a_server_that_dies_for_good_leaves_the_rest_for_the_next_fetch(
    bucket: Bucket, published: Published, destination: Path
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
    assert around(destination) == []


@pytest.mark.usefixtures("clock")
def test_a_part_that_was_damaged_meanwhile_is_fetched_anew(
    bucket: Bucket, published: Published, destination: Path
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
def test_a_part_that_is_too_long_is_fetched_anew(
    bucket: Bucket, published: Published, destination: Path
) -> None:
    bucket.fault = dying_at(PIECE)
    with pytest.raises(UnreachableError):
        fetch(published.uri, destination, sha256=published.sha256)
    (part,) = destination.parent.glob(".current-fetch-*/parts/weights.bin")
    part.write_bytes(bytes(2 * WEIGHTS))

    bucket.fault = None
    fetch(published.uri, destination, sha256=published.sha256)

    assert contents(destination) == contents(published.folder)


def test_an_identity_without_access_is_told_at_once(
    bucket: Bucket, published: Published, destination: Path, clock: Clock
) -> None:
    bucket.fault = lambda _request, _forward: Answer(403, {}, b"AccessDenied")

    with pytest.raises(DeliveryError, match=r"Access to .* was denied"):
        fetch(published.uri, destination, sha256=published.sha256)
    assert clock.now == 0
    assert len(bucket.asked) == 1


def test_nothing_that_listens_is_waited_for_as_well(
    published: Published, destination: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "GOOGLE_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    with pytest.raises(UnreachableError, match=r"No progress for 30 s\."):
        fetch(published.uri, destination, sha256=published.sha256, stall_timeout_s=30)
    assert clock.now == pytest.approx(30)


def command(published: Published, destination: Path) -> list[str]:
    arguments = [published.uri, "--sha256", published.sha256, "--to", str(destination)]
    return [sys.executable, "-m", "modelseal", "fetch", *arguments]


def test_a_server_that_sends_without_end_is_not_listened_to(
    bucket: Bucket, published: Published, destination: Path, clock: Clock
) -> None:
    sent = 0

    def endless(request: Request, forward: Forward) -> Answer | bytes:
        nonlocal sent
        answer = forward(request)
        if not is_read_of(request, "weights.bin"):
            return answer
        sent += 1
        # In place of one piece, five of them, and the promise of a terabyte.
        lines = [f"HTTP/1.1 {answer.status} x", f"Content-Length: {2**40}"]
        lines += [f"{k}: {v}" for k, v in answer.headers.items() if k.lower() != "content-length"]
        return "\r\n".join([*lines, "", ""]).encode() + answer.body * 5

    bucket.fault = endless
    with pytest.raises(UnreachableError, match=f"sent more than the {PIECE} bytes of the request"):
        fetch(published.uri, destination, sha256=published.sha256, stall_timeout_s=10)

    assert sent > 1
    assert not destination.exists()
    assert clock.now >= 10


def test_a_bucket_that_does_not_answer_ends_with_75(
    bucket: Bucket, published: Published, destination: Path
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
def test_a_client_that_panics_is_tried_again(
    published: Published, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As the client's language binding has it: no Exception, and not importable by name.
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
def test_what_is_no_failure_of_the_client_is_not_tried_again(
    published: Published, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def head(*_arguments: Any) -> None:  # noqa: ANN401
        raise KeyboardInterrupt

    monkeypatch.setattr(obstore, "head", head)
    with pytest.raises(KeyboardInterrupt):
        fetch(published.uri, destination, sha256=published.sha256)


def test_a_disk_that_is_full_ends_with_2_and_leaves_nothing(
    published: Published, destination: Path
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
    assert around(destination) == []


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 143)]
)
def test_a_fetch_that_is_stopped_midway_is_finished_by_the_next(
    bucket: Bucket,
    published: Published,
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
    assert len(around(destination)) == 1

    bucket.fault = None
    finished = subprocess.run(
        command(published, destination), capture_output=True, text=True, check=False
    )

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == f"toy 1.0.0 is in {destination}.\n"
    assert contents(destination) == contents(published.folder)
    assert around(destination) == []


def test_opening_a_model_does_not_load_the_client() -> None:
    code = "import modelseal, modelseal.cli, sys; sys.exit('obstore' in sys.modules)"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_pauses_grow_and_are_scattered(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
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
