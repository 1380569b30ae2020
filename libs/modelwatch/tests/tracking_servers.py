"""Tracking servers on loopback: a real one of MLflow, and some that fail."""

import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

_PROGRAM = Path(__file__).resolve().parents[3] / ".tools" / "mlflow" / "bin" / "mlflow"
_START_S = 180.0


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """The address of an MLflow server with an empty store."""
    if not _PROGRAM.is_file():
        pytest.skip("MLflow's server is not installed: make mlflow-env-modelwatch")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [_PROGRAM, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'store.db'}"]
    command += ["--artifacts-destination", folder / "artifacts"]
    off = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            list(map(str, command)),
            env=os.environ | off,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_for(f"{address}/health", process, folder / "server.log")
            yield address
        finally:
            # Its workers, too: it is the leader of a session.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def silent_server() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def refusing_server(credentials: list[str]) -> Iterator[str]:
    """A server that answers every request with 401, and collects the credentials of requests."""

    class Refuse(BaseHTTPRequestHandler):
        def _refuse(self) -> None:
            credentials.append(self.headers.get("Authorization", ""))
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b"not you")

        do_GET = do_POST = _refuse  # noqa: N815 - names of the base class

        def log_message(self, *_: Any) -> None:  # noqa: ANN401 - of the base class
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuse) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    pytest.fail(f"MLflow's server does not answer: {log.read_text(errors='replace')[-2000:]}")
