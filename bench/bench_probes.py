"""Measures how long probes wait while a service works on the most expensive requests that it takes.

Trains and serves one service on sample data. For each kind of request, as many connections as the
service works on at once send it repeatedly, while ``/health`` and ``/ready`` are asked on a
connection each. The requests are made from those of the service's ``service.toml``: batches of the
largest size, and what a careless or hostile client would send: wrong names, numbers as text,
unknown fields, lists instead of rows, one object with very many keys.

Run by ``make bench-probes`` in each service's environment.
"""

import asyncio
import http.client
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import httpx2
from measuring import check_promises, machine, make_parser, write_results
from rich.console import Console
from rich.table import Table
from sample_service import trained

CONNECTIONS: Final = 32
SECONDS: Final = 4.0
PROBES: Final = ("/health", "/ready")
PROBE_EVERY_S: Final = 0.02
MAX_BODY: Final = 2**20

# Promised in the README.
MOST_MS: Final = 250.0


def main() -> None:
    """Measure one service, and write its results."""
    parser = make_parser(__doc__)
    parser.add_argument("service", type=Path, help="Folder of the service.")
    given = parser.parse_args()
    console = Console()
    with (
        trained(given.service, tell=console.print) as sample,
        sample.served({}) as served,
    ):
        document = httpx2.get(f"{served.url}/openapi.json", timeout=10).json()
        schemas = document["components"]["schemas"]
        with ProcessPoolExecutor(len(PROBES)) as watchers:
            found = {
                kind: _measure(served.port, requests, watchers)
                for kind, requests in _kinds(sample.script["requests"], schemas).items()
            }
    write_results(given.out, {"machine": machine(), "probes": found})
    console.print(_table(found))
    slowest = max(one["slowest_probe_ms"] for one in found.values())
    check_promises({f"a probe took {slowest:.0f} ms, not {MOST_MS:.0f} ms": slowest <= MOST_MS})


def _kinds(demo: list[dict[str, Any]], schemas: dict[str, Any]) -> dict[str, list[bytes]]:
    """The bytes of requests, by what makes them expensive."""
    most = {
        name: field["maxItems"]
        for schema in schemas.values()
        for name, field in schema.get("properties", {}).items()
        if "maxItems" in field
    }
    kinds: dict[str, list[bytes]] = {}
    for request in demo:
        if request.get("status", 200) != 200:  # noqa: PLR2004
            continue
        bodies = _bodies(request["body"], most) if "body" in request else [("as in the demo", None)]
        for kind, body in bodies:
            kinds.setdefault(kind, []).append(_encode(request["method"], request["path"], body))
    return kinds


def _bodies(body: dict[str, Any], most: dict[str, int]) -> Iterator[tuple[str, object]]:
    yield "as in the demo", body
    lists = [name for name, value in body.items() if isinstance(value, list)]
    keys = {f"key {number}": 1 for number in range(40_000)}
    yield "one object of many keys", keys
    for name in lists:
        row = body[name][0]

        def batch(row: object, name: str = name) -> dict[str, object]:
            size = len(json.dumps(row)) + 2
            return {**body, name: [row] * min(most[name], (MAX_BODY - 200) // size)}

        yield "the largest batch", batch(row)
        yield "empty lists for rows", {**body, name: [[]] * ((MAX_BODY - 200) // 4)}
        if isinstance(row, dict):
            yield "wrong names", batch({f"x{key}": value for key, value in row.items()})
            yield "numbers as text", batch({key: str(value) for key, value in row.items()})
            extra = {f"unknown {number}": number for number in range(50)}
            yield "unknown fields", batch({**row, **extra})


def _encode(method: str, path: str, body: object) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n"
    if body is None:
        return f"{head}\r\n".encode()
    encoded = json.dumps(body).encode()
    head += f"Content-Type: application/json\r\nContent-Length: {len(encoded)}\r\n\r\n"
    return head.encode() + encoded


def _measure(port: int, requests: list[bytes], watchers: Executor) -> dict[str, Any]:
    """Load a service with requests, and time its probes from other processes."""
    watches = [watchers.submit(_probe, port, path) for path in PROBES]
    answers = Counter[int]()
    asyncio.run(_load(port, requests, answers))
    probes = sorted(seconds for watch in watches for seconds in watch.result())
    return {
        "slowest_probe_ms": probes[-1] * 1e3,
        "median_probe_ms": probes[len(probes) // 2] * 1e3,
        "probes": len(probes),
        "answers": {str(status): count for status, count in sorted(answers.items())},
    }


async def _load(port: int, requests: list[bytes], answers: Counter[int]) -> None:
    until = time.monotonic() + SECONDS
    async with asyncio.TaskGroup() as tasks:
        for number in range(CONNECTIONS):
            request = requests[number % len(requests)]
            tasks.create_task(_ask(port, request, until, answers))


async def _ask(port: int, request: bytes, until: float, answers: Counter[int]) -> None:
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while time.monotonic() < until:
                writer.write(request)
                answers[await _answer(reader)] += 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # a refused request may close its connection
        finally:
            writer.close()


def _probe(port: int, path: str) -> list[float]:
    """The seconds that each answer of a probe took."""
    until = time.monotonic() + SECONDS
    probes = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while time.monotonic() < until:
        began = time.monotonic()
        connection.request("GET", path)
        connection.getresponse().read()
        probes.append(time.monotonic() - began)
        time.sleep(PROBE_EVERY_S)
    connection.close()
    return probes


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one answer; its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    await reader.readexactly(length)
    return int(head.split()[1])


def _table(found: dict[str, dict[str, Any]]) -> Table:
    table = Table("requests", "slowest probe", "median probe", "answers")
    for kind, one in found.items():
        table.add_row(
            kind,
            f"{one['slowest_probe_ms']:.0f} ms",
            f"{one['median_probe_ms']:.1f} ms",
            ", ".join(f"{count:,} of {status}" for status, count in one["answers"].items()),
        )
    return table


if __name__ == "__main__":
    main()
