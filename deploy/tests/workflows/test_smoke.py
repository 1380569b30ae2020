"""The smoke test, over real connections: what it finds wrong, and that it can be satisfied."""

import json
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from workflows.reading import ROOT
from workflows.recorded import Programs

MODEL = "0123456789abcdef" * 4
OPEN = ("/ready", "/metrics")
METRICS = 'model_info{{name="orders",sha256="{0}",version="1"}} 1.0\nmodel_ready 1.0\n'
SERVICE = """\
package = "orders"
port = 9001
answers = "whether an order is sent back"

[[demo.requests]]
title = "A small order"
method = "POST"
path = "/predict"
body = { items = 1, price = 9.5 }
show = ["score", "level"]

[[demo.requests]]
title = "A large order, and why"
method = "POST"
path = "/predict?explain=true"
body = { items = 12, price = 480.0 }
show = ["score", "level", "explanation.base"]

[[demo.requests]]
title = "A batch"
method = "POST"
path = "/predict_batch"
body = { orders = [{ items = 1, price = 9.5 }, { items = 2, price = 30.0 }] }
show = ["total"]

[[demo.requests]]
title = "An order like no other"
method = "POST"
path = "/predict"
body = { items = 9000, price = 1.0 }
show = ["score", "warnings"]

[[demo.requests]]
title = "A mistake in a request"
method = "POST"
path = "/predict"
body = { items = -1 }
status = 422
show = ["title", "detail"]

[[demo.requests]]
title = "What is being served"
method = "GET"
path = "/model_info"
show = ["verdict"]
"""
DEMO = tomllib.loads(SERVICE)["demo"]


def answer_to(path: str, body: str) -> tuple[int, str]:
    """What the demonstration expects of a request, and nothing for any other."""
    for one in DEMO["requests"]:
        if one["path"] == path and one.get("body") == (json.loads(body) if body else None):
            shown = {field.partition(".")[0]: "output" for field in one["show"]}
            return one.get("status", 200), json.dumps(shown)
    return 200, "{}"


class Service(BaseHTTPRequestHandler):
    """Answers what the test says, and remembers what it was asked."""

    key: ClassVar[str] = ""
    answers: ClassVar[dict[str, tuple[int, str]]] = {}
    asked: ClassVar[list[tuple[str, str, str]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.asked.append((f"{self.command} {self.path}", self.headers.get("X-API-Key", ""), body))
        status, text = self.answers.get(self.path) or answer_to(self.path, body)
        if self.key and self.path not in OPEN and self.headers.get("X-API-Key") != self.key:
            status, text = 401, "no such key"
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
    Service.key = ""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """The smoke test in a repository with one service, which is made up."""
    for name in ("deploy/release/smoke.py", "tools/service_files.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "Orders-Service").mkdir()
    (tmp_path / "Orders-Service/service.toml").write_text(SERVICE, encoding="utf-8")
    return tmp_path / "deploy/release/smoke.py"


@pytest.fixture
def smoke(
    port: int, tool: Path, tmp_path: Path, programs: Callable[..., Programs]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    kubectl = programs("kubectl")
    kubectl.answer({"port-forward": (0, f"Forwarding from 127.0.0.1:{port} -> 8001")})
    release = tmp_path / "release.json"
    model = {"uri": "gs://models/orders/1", "sha256": MODEL}
    release.write_text(json.dumps({"images": {}, "models": {"orders": model}}), "utf-8")

    def run(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, tool, "--release", release, "--context", "there"],
            env=kubectl.environment() | {"SMOKE_API_KEY": ""} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_service_that_demands_a_key_is_not_asked_without_one(smoke: Run) -> None:
    Service.key = "secret-key"

    done = smoke()

    assert done.returncode == 0, done.stdout
    assert "demands a key: its requests were not sent" in done.stdout
    whats = [what for what, _, _ in Service.asked]
    assert whats == ["GET /ready", "GET /metrics", "POST /predict"]


def test_a_service_that_demands_no_key_is_asked_without_one(smoke: Run) -> None:
    done = smoke()

    assert done.returncode == 0, done.stdout
    assert f"answers {len(DEMO['requests'])} requests as expected" in done.stdout
    assert {key for _, key, _ in Service.asked} == {""}


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
    assert f"not the expected {MODEL}" in done.stdout


def test_with_a_key_the_requests_of_the_demonstration_are_sent(smoke: Run) -> None:
    Service.key = "secret-key"

    done = smoke(SMOKE_API_KEY="secret-key")

    assert done.returncode == 0, done.stdout
    sent = Service.asked[2:]
    assert [what for what, _, _ in sent] == [
        f"{one['method']} {one['path']}" for one in DEMO["requests"]
    ]
    assert {key for _, key, _ in sent} == {"secret-key"}
    assert [json.loads(body) for _, _, body in sent if body] == [
        one["body"] for one in DEMO["requests"] if "body" in one
    ]
    assert "secret-key" not in done.stdout + done.stderr


def test_a_wrong_key_fails(smoke: Run) -> None:
    Service.key = "another-key"

    done = smoke(SMOKE_API_KEY="secret-key")

    assert done.returncode == 1
    assert "POST /predict (A small order): 401, expected 200: no such key" in done.stdout


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        ((500, "broken"), "500, expected 200: broken"),
        # One of the requests is a mistake, and taking it is one, too.
        ((200, '{"score": 1, "level": 1, "warnings": []}'), "200, expected 422"),
        ((200, "{}"), "200 without level, score: {}"),
        ((200, "<html>"), "200 without JSON: <html>"),
        ((200, "[]"), "200 without level, score: []"),
    ],
)
def test_a_wrong_answer_fails_and_names_the_request(
    answer: tuple[int, str], output: str, smoke: Run
) -> None:
    Service.answers["/predict"] = answer

    done = smoke(SMOKE_API_KEY="secret-key")

    assert done.returncode == 1
    assert output in done.stdout
    assert "orders: POST /predict (" in done.stdout


def test_a_model_of_a_service_that_nothing_demonstrates_fails(
    port: int, tool: Path, tmp_path: Path, programs: Callable[..., Programs]
) -> None:
    kubectl = programs("kubectl")
    kubectl.answer({"port-forward": (0, f"Forwarding from 127.0.0.1:{port} -> 8001")})
    release = tmp_path / "release.json"
    release.write_text(json.dumps({"models": {"unknown": {"sha256": MODEL}}}), "utf-8")

    done = subprocess.run(
        [sys.executable, tool, "--release", release],
        env=kubectl.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "unknown has no service.toml" in done.stdout


@pytest.mark.parametrize("content", [None, "nonsense", '{"models": {}}', '{"models": {"a": 1}}'])
def test_a_release_file_that_names_no_model_is_refused(
    content: str | None, tool: Path, tmp_path: Path
) -> None:
    release = tmp_path / "release.json"
    if content is not None:
        release.write_text(content, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, tool, "--release", release], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "make release-file writes one" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_service_that_cannot_be_reached_fails(
    tool: Path, tmp_path: Path, programs: Callable[..., Programs]
) -> None:
    kubectl = programs("kubectl")
    kubectl.answer({"port-forward": (1, "error: services orders not found")})
    release = tmp_path / "release.json"
    release.write_text(json.dumps({"models": {"orders": {"uri": "", "sha256": MODEL}}}), "utf-8")

    done = subprocess.run(
        [sys.executable, tool, "--release", release],
        env=kubectl.environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "not ready: 0" in done.stdout
