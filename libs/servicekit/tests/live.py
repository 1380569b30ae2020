"""A service in a process of its own, and raw connections to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

import httpx2

SCRIPT = Path(__file__).with_name("example_service.py")
PATIENCE_S = 60.0


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait, generously: the machine may be busy."""
    until = monotonic() + PATIENCE_S
    while not holds():
        if monotonic() > until:
            raise AssertionError(f"waited {PATIENCE_S:g} s in vain until {what}")
        sleep(0.02)


class NotListeningError(Exception):
    pass


class LiveService:
    """Starts on entry, once it listens; ends on exit."""

    def __init__(
        self,
        environment: Mapping[str, str],
        settings: Mapping[str, object],
        *,
        script: Path = SCRIPT,
    ) -> None:
        own = {name.upper(): str(value) for name, value in settings.items()}
        self._environment = {"PORT": "0", "DRAIN_S": "0", **environment, **own}
        self._script = script
        self.lines: list[dict[str, Any]] = []
        self.port = 0
        self.errors = ""

    def __enter__(self) -> Self:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", self._script],
            env=inherited | self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            wait_until(lambda: self.port != 0 or self.process.poll() is not None, "it listens")
        except BaseException:
            self.end()
            raise
        if not self.port:
            self.end()
            raise NotListeningError(self.errors)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(self.url + path, timeout=PATIENCE_S)

    def metric(self, sample: str) -> float:
        """The value of a sample, written as in the exposition; 0 if it is not there."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(sample + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def wait_for_metric(self, sample: str, value: float) -> None:
        wait_until(lambda: self.metric(sample) == value, f"{sample} is {value:g}")

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.get("/ready").status_code == 200, "it is ready")

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def end(self) -> None:
        """End the process if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE_S)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        if not self.process.stderr.closed:
            self.errors = self.process.stderr.read()
            self.process.stdout.close()
            self.process.stderr.close()

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = json.loads(text)
            self.lines.append(line)
            if line["event"] == "listening":
                self.port = line["port"]


class RawConnection:
    """Bytes out, bytes in."""

    def __init__(self, service: LiveService) -> None:
        self._socket = socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> bytes:
        return self._socket.recv(65536)

    def receive_response(self) -> tuple[int, dict[str, str], bytes]:
        """One response with a Content-Length: status, headers, body."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (s.partition(": ") for s in lines)}
        while len(body) < int(headers["content-length"]):
            body += self._more()
        return int(status.split()[1]), headers, body

    def receive_until_closed(self) -> bytes:
        """Everything until the other side closes."""
        data = b""
        while part := self._socket.recv(65536):
            data += part
        return data

    def _more(self) -> bytes:
        part = self._socket.recv(65536)
        assert part, "the connection was closed before the answer was complete"
        return part
