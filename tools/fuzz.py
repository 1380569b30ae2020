"""Fuzz one service: structured requests from its OpenAPI document, then raw bytes on its socket.

Run by ``make fuzz-SERVICE`` in the service's own environment. The first half of the time, requests
that the document allows and does not allow are sent by Schemathesis: each answer must have a status
and a body that are documented, and none may be a failure of the server. The second half, mutations
of the raw requests of `servicekit.testing.raw_requests` are sent: the process must stay alive,
answer ``/health`` in between, never answer 500, log no error, and end with at most a tenth more
memory than early on.
"""

import argparse
import contextlib
import random
import re
import select
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import httpx2
from rich.console import Console
from sample_service import trained
from servicekit.launch import ServiceProcess
from servicekit.testing.raw_requests import CASES

KEY: Final = "for-the-fuzzer-only"
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
# Memory is compared with that after this share of the raw bytes, when allocators have warmed up.
WARM_UP: Final = 0.3
MEMORY_FACTOR: Final = 1.1
PROBE_EVERY: Final = 50
PATIENCE_S: Final = 0.05

TOKENS: Final = (
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b"%",
    b"%00",
    b"\xff",
    b"Content-Length: 5\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"X-API-Key: " + KEY.encode() + b"\r\n",
    b"0\r\n\r\n",
    b"ffffffff\r\n",
    b"HTTP/1.1",
    b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
    b"[" * 2000,
    b"9" * 5000,
    b'{"a":' * 500,
)
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")

console = Console()


def main() -> None:
    """Fuzz the service that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", type=Path, help="Folder of the service.")
    parser.add_argument(
        "--minutes", type=float, required=True, help="Minutes for both halves together."
    )
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="Random seed, to repeat a run."
    )
    parser.add_argument(
        "--schemathesis", type=Path, required=True, help="Path of the schemathesis command."
    )
    parser.add_argument(
        "--reports", type=Path, required=True, help="Folder for reports of failures."
    )
    given = parser.parse_args()
    reports: Path = given.reports
    reports.mkdir(parents=True, exist_ok=True)
    half_s = given.minutes * 60 / 2

    console.rule(f"[bold]{given.service.name}, --seed {given.seed}")
    log = reports / "service.log"
    with (
        trained(given.service, tell=console.print) as sample,
        sample.served({"API_KEYS": KEY}, log=log) as served,
    ):
        structured = _structured(served, given.schemathesis, half_s, given.seed, reports)
        raw = RawFuzzer(served, random.Random(given.seed), reports)  # noqa: S311 - no secret
        raw.run(half_s)
    errors = [line for line in log.read_text().splitlines() if '"level":"error"' in line]
    if errors:
        sys.exit(f"The service logged {len(errors)} errors, the first of them: {errors[0]}")
    if not structured:
        sys.exit(f"Structured requests found failures; see above and {reports}.")


def _structured(
    served: ServiceProcess, schemathesis: Path, seconds: float, seed: int, reports: Path
) -> bool:
    """Send requests that the OpenAPI document allows and does not allow; whether all passed."""
    console.print(f"[bold cyan]Structured requests for {seconds:.0f} s")
    command = [
        schemathesis.absolute(),
        "run",
        f"{served.url}/openapi.json",
        "--header",
        f"X-API-Key: {KEY}",
        "--checks",
        ",".join(CHECKS),
        "--phases",
        "examples,coverage,fuzzing",
        "--max-time",
        str(max(1, round(seconds))),
        "--continue-on-failure",
        "--seed",
        str(seed),
        "--report",
        "junit",
        "--report-dir",
        reports.absolute(),
    ]
    # Schemathesis keeps its state in the current folder.
    return subprocess.run(command, check=False, cwd=reports).returncode == 0  # noqa: S603


class RawFuzzer:
    """Sends mutations of raw requests on new connections, one after the other.

    Args:
        served: The service.
        draw: Source of random choices.
        reports: Folder for the bytes of a failure.
    """

    def __init__(self, served: ServiceProcess, draw: random.Random, reports: Path) -> None:
        self._served = served
        self._draw = draw
        self._reports = reports
        self._seeds = [case.request for case in CASES] + _documented(served)
        self._answers = Counter[int]()
        self._recent: list[bytes] = []

    def run(self, seconds: float) -> None:
        """Fuzz for some seconds, and exit with a message at the first failure."""
        console.print(f"[bold cyan]Raw bytes for {seconds:.0f} s")
        began = time.monotonic()
        warm = 0
        sent = 0
        while (passed := time.monotonic() - began) < seconds:
            data = self._mutated()
            self._recent = [*self._recent[-PROBE_EVERY:], data]
            self._send(data)
            sent += 1
            if sent % PROBE_EVERY == 0:
                self._probe()
            if not warm and passed > WARM_UP * seconds:
                warm = _memory_kib(self._served.pid)
        self._probe()
        now = _memory_kib(self._served.pid)
        console.print(
            f"{sent:,} connections; answers {dict(sorted(self._answers.items()))}; "
            f"memory {warm / 1024:.1f} MiB, then {now / 1024:.1f} MiB"
        )
        if now > MEMORY_FACTOR * warm:
            self._fail("its memory grew by more than a tenth")

    def _mutated(self) -> bytes:
        draw = self._draw
        data = bytearray(draw.choice(self._seeds))
        for _ in range(draw.randint(0, 6)):
            place = draw.randint(0, len(data))
            end = min(len(data), place + draw.randint(1, 20))
            match draw.randrange(6):
                case 0 if data:
                    data[place % len(data)] ^= 1 << draw.randrange(8)
                case 1:
                    del data[place:end]
                case 2:
                    data[place:place] = data[place:end] * draw.randint(1, 50)
                case 3:
                    other = draw.choice(self._seeds)
                    data[place:] = other[draw.randint(0, len(other)) :]
                case _:
                    data[place:place] = draw.choice(TOKENS)
        return bytes(data)

    def _send(self, data: bytes) -> None:
        """Send in pieces on a new connection, and close or reset it."""
        draw = self._draw
        host, _, port = self._served.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            # The service may close first, and reset later bytes.
            with contextlib.suppress(OSError):
                while data:
                    size = draw.choice((1, 100, len(data)))
                    connection.sendall(data[:size])
                    data = data[size:] if size > 1 else data[1:]
                    if size == 1 and draw.random() < 0.9:  # noqa: PLR2004
                        connection.sendall(data)
                        data = b""
                if draw.random() < 0.5:  # noqa: PLR2004
                    connection.shutdown(socket.SHUT_WR)
                answers = self._receive(connection)
                self._answers.update(int(one) for one in _STATUS.findall(answers))
            if draw.random() < 0.3:  # noqa: PLR2004
                # Reset instead of closing.
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if self._answers[500]:
            self._fail("it answered 500")

    def _receive(self, connection: socket.socket) -> bytes:
        answers = b""
        while select.select([connection], [], [], PATIENCE_S)[0]:
            part = connection.recv(65536)
            if not part:
                break
            answers += part
        return answers

    def _probe(self) -> None:
        try:
            httpx2.get(f"{self._served.url}/health", timeout=10).raise_for_status()
        except httpx2.HTTPError as error:
            self._fail(f"/health no longer answers: {error}")

    def _fail(self, what: str) -> None:
        for number, data in enumerate(self._recent):
            (self._reports / f"raw-{number:03d}.bin").write_bytes(data)
        sys.exit(f"After raw bytes, {what}. The last connections are in {self._reports}.")


def _documented(served: ServiceProcess) -> list[bytes]:
    """A request with a key for every documented path, with a body that is invalid for most."""
    document = httpx2.get(f"{served.url}/openapi.json", timeout=10).json()
    body = b'{"text": "a", "texts": [{"text": "b"}], "customers": [{}], "x": 1e999}'
    head = b"Host: x\r\nX-API-Key: %s\r\nContent-Type: application/json\r\n" % KEY.encode()
    return [
        b"%s %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s"
        % (method.upper().encode(), path.encode(), head, len(body), body)
        for path, methods in document["paths"].items()
        for method in methods
    ]


def _memory_kib(pid: int) -> int:
    """The resident memory of a process in KiB, from /proc."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    if found is None:
        sys.exit(f"Process {pid} is gone.")
    return int(found[1])


if __name__ == "__main__":
    main()
