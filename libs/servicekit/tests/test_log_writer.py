"""Logging never delays or fails a request."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import example_service
import httpx2
import pytest
from servicekit.log_writer import LogWriter
from servicekit.testing import wait_until

Serve = Callable[[int | None], contextlib.AbstractContextManager["Served"]]


class Served:
    """A service with a standard output of the test."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def listens(self) -> bool:
        with contextlib.suppress(httpx2.TransportError):
            return httpx2.get(self.url + "/health").status_code == 200
        return False

    def ask(self, times: int) -> list[int]:
        with httpx2.Client(base_url=self.url, timeout=60) as client:
            return [client.get("/plain").status_code for _ in range(times)]

    def dropped(self) -> float:
        text = httpx2.get(self.url + "/metrics").text
        [line] = [line for line in text.splitlines() if line.startswith("log_lines_dropped ")]
        return float(line.split()[1])

    def stop(self) -> tuple[int, bytes]:
        """The exit code after SIGTERM, and what was written to standard error."""
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@pytest.fixture
def serve(live_environment: dict[str, str]) -> Serve:
    @contextlib.contextmanager
    def serve(output: int | None) -> Iterator[Served]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        own = {"PORT": str(port), "DRAIN_S": "0"}
        process = subprocess.Popen(
            [sys.executable, "-W", "error", example_service.__file__],
            env=os.environ | live_environment | own,
            stdout=output,
            stderr=subprocess.PIPE,
            # Without any output: its number is free for whatever the process opens first.
            preexec_fn=(lambda: os.close(1)) if output is None else None,  # noqa: PLW1509
        )
        served = Served(process, port)
        try:
            wait_until(served.listens, "it listens")
            yield served
        finally:
            process.kill()
            process.communicate()

    return serve


def test_a_closed_reader_costs_only_log_lines(serve: Serve) -> None:
    reading, writing = os.pipe()
    with serve(writing) as service:
        os.close(writing)
        os.close(reading)
        assert service.ask(50) == [200] * 50
        wait_until(lambda: service.dropped() >= 50, "the lines are counted")
        code, errors = service.stop()

    assert code == 0
    assert errors == b"log lines are dropped: Broken pipe\n"


def test_a_full_disk_costs_only_log_lines(serve: Serve) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with serve(full) as service:
        os.close(full)
        assert service.ask(50) == [200] * 50
        wait_until(lambda: service.dropped() >= 50, "the lines are counted")
        code, errors = service.stop()

    assert code == 0
    assert errors == b"log lines are dropped: No space left on device\n"


def test_a_full_pipe_does_not_stop_the_service(serve: Serve) -> None:
    reading, writing = os.pipe()
    with serve(writing) as service:
        os.close(writing)
        # A pipe holds 64 KiB, which is some 300 lines.
        assert service.ask(1_000) == [200] * 1_000
        code, _ = service.stop()
        os.close(reading)

    assert code == 0


def test_a_process_without_standard_output_serves(serve: Serve) -> None:
    with serve(None) as service:
        assert service.ask(20) == [200] * 20
        code, errors = service.stop()

    assert (code, errors) == (0, b"")


def test_lines_are_written_in_order_and_whole(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        writer = LogWriter(file.fileno())
        for number in range(10_000):
            writer.write(f"line {number}\n")
        writer.close()

    lines = (tmp_path / "log").read_text().splitlines()
    assert lines == [f"line {number}" for number in range(10_000)]
    assert writer.dropped == 0


def test_waiting_lines_are_bounded_and_dropped_ones_are_counted() -> None:
    reading, writing = os.pipe()
    writer = LogWriter(writing, max_bytes=100_000)
    for _ in range(10_000):
        writer.write("x" * 999 + "\n")
    # 100 lines may wait, and the pipe takes 64 KiB of them.
    assert 10_000 - 100 - 66 <= writer.dropped <= 10_000 - 100
    os.close(reading)
    writer.close()
    os.close(writing)


def test_a_disk_with_room_again_gets_complete_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    real_write = os.write
    full = True

    def write(descriptor: int, data: memoryview) -> int:
        if descriptor == 2 or not full:
            return real_write(descriptor, data)
        if len(data) > 4:
            return real_write(descriptor, data[:4])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with (tmp_path / "log").open("wb") as file:
        monkeypatch.setattr("servicekit.log_writer.os.write", write)
        writer = LogWriter(file.fileno())
        writer.write("lost 1\n")
        wait_until(lambda: writer.dropped == 1, "the first line is lost")
        writer.write("lost 2\n")
        wait_until(lambda: writer.dropped == 2, "the second line is lost")
        full = False
        writer.write("kept\n")
        writer.close()

    assert (tmp_path / "log").read_text().splitlines()[-1] == "kept"
    assert capfd.readouterr().err == "log lines are dropped: No space left on device\n"
