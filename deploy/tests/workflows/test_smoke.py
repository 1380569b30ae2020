"""The smoke test, over real connections: what it finds wrong, and that it can be satisfied."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from workflows.conftest import Programs
from workflows.reading import ROOT

SMOKE = ROOT / "deploy/release/smoke.py"
MODEL = "0123456789abcdef" * 4
METRICS = 'model_info{{name="bankchurn",sha256="{0}",version="1"}} 1.0\nmodel_ready 1.0\n'


class Service(BaseHTTPRequestHandler):
    """Answers what the test says, and remembers what it was asked."""

    answers: ClassVar[dict[str, tuple[int, str]]] = {}
    asked: ClassVar[list[tuple[str, str, str]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.asked.append((f"{self.command} {self.path}", self.headers.get("X-API-Key", ""), body))
        status, text = self.answers.get(self.path, (200, "{}"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    Service.answers = {"/metrics": (200, METRICS.format(MODEL))}
    Service.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def smoke(
    port: int, tmp_path: Path, programs: Callable[..., Programs]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    kubectl = programs("kubectl")
    kubectl.answer({"port-forward": (0, f"Forwarding from 127.0.0.1:{port} -> 8001")})
    release = tmp_path / "release.json"
    model = {"uri": "gs://models/bankchurn/1", "sha256": MODEL}
    release.write_text(json.dumps({"images": {}, "models": {"bankchurn": model}}), "utf-8")

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, SMOKE, release, "--context", "there"],
            env=kubectl.environment() | {"SMOKE_API_KEY": ""} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_service_that_is_ready_with_the_model_of_the_release_passes(smoke: Run) -> None:
    done = smoke()

    assert done.returncode == 0, done.stdout
    assert [what for what, _, _ in Service.asked] == ["GET /ready", "GET /metrics"]


def test_a_service_that_is_not_ready_fails_with_its_reason(smoke: Run) -> None:
    Service.answers["/ready"] = (503, '{"detail": "the golden predictions moved"}')

    done = smoke()

    assert done.returncode == 1
    assert "not ready: 503" in done.stdout
    assert "the golden predictions moved" in done.stdout


@pytest.mark.parametrize(
    "metrics",
    [METRICS.format("f" * 64), "", METRICS.format(MODEL).replace(" 1.0", " 0.0", 1)],
)
def test_another_model_fails_though_it_is_ready(metrics: str, smoke: Run) -> None:
    Service.answers["/metrics"] = (200, metrics)

    done = smoke()

    assert done.returncode == 1
    assert f"the release says {MODEL}" in done.stdout


def test_with_a_key_the_requests_of_the_demonstration_are_sent(smoke: Run) -> None:
    done = smoke(SMOKE_API_KEY="secret-key")

    assert done.returncode == 0, done.stdout
    predictions = [(what, key) for what, key, _ in Service.asked if "/predict" in what]
    assert ("POST /predict", "secret-key") in predictions
    assert {key for _, key in predictions} == {"secret-key"}
    assert all(json.loads(body) for what, _, body in Service.asked if "/predict" in what)
    assert "secret-key" not in done.stdout + done.stderr


def test_an_answer_that_is_an_error_fails(smoke: Run) -> None:
    Service.answers["/predict"] = (401, "no such key")

    done = smoke(SMOKE_API_KEY="secret-key")

    assert done.returncode == 1
    assert "POST /predict: 401 no such key" in done.stdout


def test_a_service_that_cannot_be_reached_fails(
    tmp_path: Path, programs: Callable[..., Programs]
) -> None:
    kubectl = programs("kubectl")
    kubectl.answer({"port-forward": (1, "error: services bankchurn not found")})
    release = tmp_path / "release.json"
    release.write_text(json.dumps({"models": {"bankchurn": {"uri": "", "sha256": MODEL}}}), "utf-8")

    done = subprocess.run(
        [sys.executable, SMOKE, release],
        env=kubectl.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "not ready: 0" in done.stdout
