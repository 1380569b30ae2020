"""`make up` and `make down` with a small real process in the place of a service."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from manifests.render import KUBERNETES

# Listens, says so as a service does, is ready or not, and ends with 0 on SIGTERM.
SERVICE = """
import http.server, json, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.environ.get("READY", "yes") == "yes" else 503)
        self.end_headers()
    def log_message(self, *_): pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if os.environ.get("READY") == "broken":
    sys.exit("broken settings")
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(json.dumps({"event": "listening", "port": server.server_port}), flush=True)
server.serve_forever()
"""


@pytest.fixture
def service(tmp_path: Path) -> Path:
    folder = tmp_path / "Some-Service"
    (folder / "models" / "some").mkdir(parents=True)
    (folder / "models" / "some" / "manifest.json").write_text("{}", encoding="utf-8")
    (folder / "demo.toml").write_text('package = "some"\n', encoding="utf-8")
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "some.py").write_text(SERVICE, encoding="utf-8")
    return folder


def local(state: Path, *arguments: object, ready: str = "yes") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(KUBERNETES / "local.py"), "--state", str(state)]
    return subprocess.run(
        [*command, *map(str, arguments)],
        env=os.environ | {"READY": ready},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_was_started_answers_and_is_stopped(service: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    try:
        started = local(state, "up", service)
        assert started.returncode == 0, started.stderr
        url = started.stdout.split(": ", 1)[1].partition("/docs")[0]
        assert httpx2.get(f"{url}/ready").status_code == 200
        again = local(state, "up", service)
        assert again.returncode == 1
        assert "running already" in again.stderr
    finally:
        stopped = local(state, "down")
    assert stopped.stdout == "Some-Service: stopped\n"
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{url}/ready")
    assert local(state, "down").stdout == ""


def test_one_that_ends_is_told_with_its_log(service: Path, tmp_path: Path) -> None:
    done = local(tmp_path / "state", "up", service, ready="broken")
    assert done.returncode == 1
    assert "broken settings" in done.stderr
    assert not list((tmp_path / "state").glob("*.json"))


def test_a_process_that_got_the_same_id_is_left_alone(service: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        try:
            noted = {"pid": other.pid, "started": "Thu Jan  1 00:00:00 1970"}
            (state / f"{service.name}.json").write_text(json.dumps(noted), encoding="utf-8")
            assert local(state, "down").returncode == 0
            assert other.poll() is None
        finally:
            other.send_signal(signal.SIGKILL)
