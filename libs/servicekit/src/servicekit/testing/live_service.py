"""Live services and raw connections to them."""

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx2

from servicekit.launch import WAIT_S, ServiceProcess, wait_until


class LiveService(ServiceProcess):
    """A service that runs with this interpreter and treats warnings as errors.

    Args:
        arguments: What to run, such as ``["-m", "orders", "serve"]``.
        environment: Environment variables. Of the caller's own, only PATH and HOME are kept.
        settings: Settings of the service, by their names in lower case.
    """

    def __init__(
        self,
        arguments: Sequence[str | Path],
        environment: Mapping[str, str],
        settings: Mapping[str, object],
    ) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        super().__init__(
            [sys.executable, "-W", "error", *arguments],
            settings,
            environment={**inherited, **environment},
        )

    def get(self, path: str) -> httpx2.Response:
        """The answer to a GET request."""
        return httpx2.get(self.url + path, timeout=WAIT_S)

    def metric(self, sample: str) -> float:
        """The value of a sample, written as in the exposition; 0 if it is not there."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(sample + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def wait_for_metric(self, sample: str, value: float) -> None:
        """Wait until a sample has a value."""
        wait_until(lambda: self.metric(sample) == value, f"{sample} is {value:g}")


class RawConnection:
    """A connection for what no client library would send: bytes out, bytes in."""

    def __init__(self, service: LiveService) -> None:
        self._socket = socket.create_connection(("127.0.0.1", service.port), timeout=WAIT_S)

    def __enter__(self) -> Self:
        """Nothing more to do: it is connected."""
        return self

    def __exit__(self, *_error: object) -> None:
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
        """The next bytes; empty once the other side has closed."""
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
