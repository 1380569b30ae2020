"""For tests of services: one in a process of its own, and raw connections to it.

It needs httpx2, which only development environments have.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

import httpx2

__all__ = ["LiveService", "NotListeningError", "RawConnection", "wait_until"]

PATIENCE_S = 60.0
OK = 200


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds; generously, because the machine may be busy.

    Raises:
        AssertionError: It does not hold after a minute.
    """
    until = monotonic() + PATIENCE_S
    while not holds():
        if monotonic() > until:
            raise AssertionError(f"waited {PATIENCE_S:g} s in vain until {what}")
        sleep(0.02)


class NotListeningError(Exception):
    """The service ended before it listened; the message is its standard error."""


class LiveService:
    """A service that starts on entry, once it listens, and ends on exit. Warnings are errors.

    Args:
        arguments: What to run with this interpreter, such as ``["-m", "bankchurn", "serve"]``.
        environment: Environment variables; of the caller's own only PATH and HOME are kept.
        settings: Settings of the service, by their names in lower case. It listens on a free
            port and does not drain unless they say otherwise.

    Attributes:
        process: The process.
        port: Where it listens.
        lines: What it has logged.
        errors: Its standard error, once it has ended.
    """

    process: "subprocess.Popen[str]"

    def __init__(
        self,
        arguments: Sequence[str | Path],
        environment: Mapping[str, str],
        settings: Mapping[str, object],
    ) -> None:
        own = {name.upper(): str(value) for name, value in settings.items()}
        self._environment = {"PORT": "0", "DRAIN_S": "0", **environment, **own}
        self._arguments = arguments
        self.lines: list[dict[str, Any]] = []
        self.port = 0
        self.errors = ""

    def __enter__(self) -> Self:
        """Start it and wait until it listens."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(  # noqa: S603 - what a test wants to run
            [sys.executable, "-W", "error", *self._arguments],
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
        """End it."""
        self.end()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> httpx2.Response:
        """The answer to a GET request."""
        return httpx2.get(self.url + path, timeout=PATIENCE_S)

    def metric(self, sample: str) -> float:
        """The value of a sample, written as in the exposition; 0 if it is not there."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(sample + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def wait_for_metric(self, sample: str, value: float) -> None:
        """Wait until a sample has a value."""
        wait_until(lambda: self.metric(sample) == value, f"{sample} is {value:g}")

    def wait_until_ready(self) -> None:
        """Wait until its model is proven."""
        wait_until(lambda: self.get("/ready").status_code == OK, "it is ready")

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait until it ends; its exit code."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def end(self) -> None:
        """End the process if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE_S)
        for stream in (self.process.stderr, self.process.stdout):  # stdout was read to its end
            if stream is not None and not stream.closed:
                self.errors += stream.read()
                stream.close()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        return [line for line in self.lines if line["event"] == event]

    def _read(self) -> None:
        for text in self.process.stdout or ():
            line = json.loads(text)
            self.lines.append(line)
            if line["event"] == "listening":
                self.port = line["port"]


class RawConnection:
    """A connection for what no client library would send: bytes out, bytes in."""

    def __init__(self, service: LiveService) -> None:
        self._socket = socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_S)

    def __enter__(self) -> Self:
        """Nothing more to do: it is connected."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(data)

    def fileno(self) -> int:
        """The socket's file descriptor, for `select`."""
        return self._socket.fileno()

    def shut(self) -> None:
        """End both directions: a thread that waits to receive ends, too."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def receive(self) -> bytes:
        """Whatever comes next; empty where the other side has closed."""
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
        if not part:
            raise ConnectionError("the connection was closed before the answer was complete")
        return part
