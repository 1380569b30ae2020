"""The client of the benchmark of serving, with real servers."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from threading import Lock, Thread

import pytest
import wrk
from wrk import Load, LoadError, Request

INSTALLED = Path(__file__).resolve().parents[2] / ".tools" / "wrk" / "bin" / "wrk"
FOUND = str(INSTALLED) if INSTALLED.exists() else shutil.which("wrk")
CONNECTIONS = 20
SOMETIMES = 200, 200, 200

pytestmark = pytest.mark.skipif(
    FOUND is None or not hasattr(os, "sched_setaffinity"),
    reason="needs wrk, which make .tools/wrk/bin/wrk installs, on Linux",
)


class _Server(ThreadingHTTPServer):
    """Answers with each status in turn, and notes how many connections the first request found."""

    daemon_threads = True
    request_queue_size = CONNECTIONS

    def __init__(self, statuses: Sequence[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._statuses = cycle(statuses)
        self._lock = Lock()
        self.connections = 0
        self.at_first_request: int | None = None

    def next_status(self) -> int:
        with self._lock:
            if self.at_first_request is None:
                self.at_first_request = self.connections
            return next(self._statuses)

    def verify_request(self, *_arguments: object) -> bool:
        self.connections += 1
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)
        self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.next_status()
        body = b"" if status == 204 else b"{}"
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def _served(statuses: Sequence[int]) -> Iterator[_Server]:
    with _Server(statuses) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _load(server: _Server, folder: Path, *, every_status: bool = False) -> Load:
    return wrk.run(
        Path(f"{FOUND}"),
        Request("POST", "/predict", {"text": "a"}, {}),
        server.server_port,
        connections=CONNECTIONS,
        seconds=1,
        core=min(os.sched_getaffinity(0)),
        work=folder,
        every_status=every_status,
    )


@pytest.mark.parametrize("every_status", [False, True])
def test_answers_with_200_pass(every_status: bool, tmp_path: Path) -> None:
    with _served([200]) as server:
        found = _load(server, tmp_path, every_status=every_status)
    found.check()
    assert found.requests > CONNECTIONS
    assert found.bytes > found.requests * len("HTTP/1.1 200 OK")
    assert 0 < found.p50_ms <= found.p99_ms


@pytest.mark.parametrize("every_status", [False, True])
@pytest.mark.parametrize("status", [404, 503])
def test_an_error_now_and_then_fails(status: int, every_status: bool, tmp_path: Path) -> None:
    with _served([*SOMETIMES, status]) as server:
        found = _load(server, tmp_path, every_status=every_status)
    with pytest.raises(LoadError, match="answers were not 200"):
        found.check()
    assert 0 < found.not_200 <= found.requests / len(SOMETIMES)


@pytest.mark.parametrize("status", [204, 307])
def test_an_answer_without_content_now_and_then_fails_the_warm_up(
    status: int, tmp_path: Path
) -> None:
    with _served([*SOMETIMES, status]) as server:
        found = _load(server, tmp_path, every_status=True)
    with pytest.raises(LoadError, match="answers were not 200"):
        found.check()


def test_all_connections_are_open_before_the_first_request(tmp_path: Path) -> None:
    with _served([200]) as server:
        _load(server, tmp_path)
    # One more than those of the load: wrk tries the address first.
    assert server.at_first_request in {CONNECTIONS, CONNECTIONS + 1}
