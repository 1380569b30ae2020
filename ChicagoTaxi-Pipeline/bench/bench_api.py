"""Measures ChicagoTaxi's forecast and API: predictions per second, and the rate of ``/demand``.

Trains and seals a model on sample data with the service's command line, runs the pipeline on sample
trips, forecasts the whole history (``hindcast``), and serves the predictions. 50 connections ask
the service's process for ``/demand?area=8&hour=14&limit=10`` and for ``/health``, an endpoint that
does nothing and needs no place. Both alternate, because the machine is noisy; the result is the
ratio of their medians.

Run by ``make bench`` in the service's environment. It imports nothing from the service.
"""

import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx2
import uvloop
from measuring import check_promises, machine, make_parser, run_command, write_results
from rich.console import Console
from rich.table import Table
from servicekit.launch import ServiceProcess

CONNECTIONS = 50
TURNS = 5
SECONDS = 4.0
DEMAND = "/demand?area=8&hour=14&limit=10"
EMPTY = "/health"

# Promised in the README.
SHARE_OF_EMPTY = 0.5
P99_OVER_P50 = 10.0
PREDICTIONS_PER_S = 500_000

_command = partial(run_command, "chicagotaxi")


def main() -> None:
    """Measure and write the results."""
    out: Path = make_parser(__doc__).parse_args().out
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        model, pipeline = _prepare(Path(folder))
        hindcast = _hindcast(Path(folder), model, pipeline)
        settings = {
            "MODEL_DIR": model,
            "PREDICTIONS_DIR": pipeline / "predictions",
            "MAX_CONCURRENT_REQUESTS": 64,
        }
        command = [sys.executable, "-m", "chicagotaxi", "serve"]
        with ServiceProcess(command, settings) as service:
            service.wait_until_ready()
            api = _api(service.port)
    results = {
        "machine": machine(),
        "load_of_others": os.getloadavg()[2],
        "hindcast": hindcast,
        "api": api,
    }
    write_results(out, results)
    _show(results)
    check_promises(
        {
            "/demand compared with an empty endpoint": api["share_of_empty"] >= SHARE_OF_EMPTY,
            "p99 over p50": api["demand"]["p99_over_p50"] < P99_OVER_P50,
            "predictions per second": hindcast["rows_per_s"] >= PREDICTIONS_PER_S,
        }
    )


def _prepare(folder: Path) -> tuple[Path, Path]:
    model, pipeline, reports = folder / "model", folder / "pipeline", folder / "reports"
    _command("train", "--folds", 1, "--out", model, "--reports", reports)
    _command("run", "--model", model, "--out", pipeline, "--reports", reports)
    return model, pipeline


def _hindcast(folder: Path, model: Path, pipeline: Path) -> dict[str, float]:
    """The rate from history to Parquet files: features, trees, intervals, fares, writing."""
    before = os.times()
    shown = _command(
        "hindcast", folder / "hindcast", "--out", pipeline, "--model", model, "--every", 24
    )
    after = os.times()
    found = re.search(r"([\d,]+) predictions .* in ([\d.]+) s", shown)
    if found is None:
        sys.exit(f"`hindcast` did not print its rate: {shown}")
    rows, seconds = int(found[1].replace(",", "")), float(found[2])
    # Of the whole process, reading the history and opening the model included.
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return {
        "rows": rows,
        "seconds": seconds,
        "rows_per_s": rows / seconds,
        "cpu_seconds": used,
        "rows_per_cpu_s": rows / used,
    }


def _api(port: int) -> dict[str, Any]:
    rows = len(httpx2.get(f"http://127.0.0.1:{port}{DEMAND}").json())
    times: dict[str, list[tuple[float, list[float]]]] = {DEMAND: [], EMPTY: []}
    for turn in range(TURNS + 1):
        for path, taken in times.items():
            measured = uvloop.run(_load(port, path))
            if turn:  # the first turn warms up
                taken.append(measured)
    demand, empty = (_figures(times[path]) for path in (DEMAND, EMPTY))
    return {
        "connections": CONNECTIONS,
        "rows_per_answer": rows,
        "demand": demand,
        "empty": empty,
        "share_of_empty": demand["requests_per_s"] / empty["requests_per_s"],
    }


def _figures(turns: list[tuple[float, list[float]]]) -> dict[str, float]:
    rates = [len(latencies) / seconds for seconds, latencies in turns]
    # The median over the turns of each percentile, so that one disturbed turn does not count.
    p50 = statistics.median(statistics.median(latencies) for _, latencies in turns)
    p99 = statistics.median(statistics.quantiles(latencies, n=100)[98] for _, latencies in turns)
    return {
        "requests_per_s": statistics.median(rates),
        "requests": sum(len(latencies) for _, latencies in turns),
        "p50_ms": p50 * 1e3,
        "p99_ms": p99 * 1e3,
        "p99_over_p50": p99 / p50,
    }


async def _load(port: int, path: str) -> tuple[float, list[float]]:
    """Ask as fast as answers come, on every connection: total seconds, and seconds per answer."""
    latencies: list[float] = []
    began = time.perf_counter()
    until = began + SECONDS
    loop = asyncio.get_running_loop()
    clients = [_Client(path, until, latencies, loop.create_future()) for _ in range(CONNECTIONS)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
    await asyncio.gather(*(client.done for client in clients))
    return time.perf_counter() - began, latencies


class _Client(asyncio.Protocol):
    """One persistent connection. Any answer other than 200 ends the measurement."""

    def __init__(
        self, path: str, until: float, latencies: list[float], done: "asyncio.Future[None]"
    ) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        self._until = until
        self._latencies = latencies
        self.done = done
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(head.decode()))
            self._transport.close()
            return
        now = time.perf_counter()
        self._latencies.append(now - self._asked)
        if now < self._until:
            self._ask()
        else:
            self._transport.close()
            self.done.set_result(None)

    def _ask(self) -> None:
        self._data = b""
        self._asked = time.perf_counter()
        self._transport.write(self._request)


def _show(results: dict[str, Any]) -> None:
    table = Table("", "requests/s", "p50", "p99", "p99/p50")
    for name in ("demand", "empty"):
        figures = results["api"][name]
        table.add_row(
            name,
            f"{figures['requests_per_s']:,.0f}",
            f"{figures['p50_ms']:.1f} ms",
            f"{figures['p99_ms']:.1f} ms",
            f"{figures['p99_over_p50']:.1f}",
        )
    console = Console()
    console.print(table)
    console.print(f"/demand reaches {results['api']['share_of_empty']:.0%} of an empty endpoint")
    hindcast = results["hindcast"]
    console.print(
        f"{hindcast['rows_per_s']:,.0f} predictions/s, "
        f"{hindcast['rows_per_cpu_s']:,.0f} per second of a core"
    )


if __name__ == "__main__":
    main()
