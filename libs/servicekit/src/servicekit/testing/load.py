"""For tests of services: many clients that ask one, until it is told to stop and has gone.

It needs httpx2, which only development environments have.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx2

from servicekit.testing.live_service import LiveService

__all__ = ["CLIENTS", "LoadReport", "Question", "put_under_load"]

CLIENTS = 200
HEALTH_EVERY_S = 0.2
OK = 200
UNAVAILABLE = 503


@dataclass(frozen=True)
class Question:
    """What one client asks, again and again.

    Attributes:
        kind: What it is counted under.
        path: Where it is sent to.
        body: Its JSON, sent with POST. Without one, it is a GET.
        is_right: Whether the JSON of an answer is the one that this client has to get.
    """

    kind: str
    path: str
    body: object = None
    is_right: Callable[[Any], bool] = lambda _answer: True


@dataclass
class LoadReport:
    """What the clients saw.

    Attributes:
        answers: How many, by kind and status.
        wrong: How many were not the client's own.
        without_retry_after: How many refusals did not say when to come back.
        failures: Connections that broke, but for those refused after the signal.
        health: The answers of `/health` meanwhile, by status.
        slowest_health_s: The longest that one of those took.
        exit_code: How the service ended.
    """

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: int = 0
    without_retry_after: int = 0
    failures: list[str] = field(default_factory=list)
    health: Counter[int] = field(default_factory=Counter)
    slowest_health_s: float = 0.0
    exit_code: int | None = None


def put_under_load(
    service: LiveService, question: Callable[[int], Question], *, seconds: float
) -> LoadReport:
    """Have all clients ask for some time, tell the service to stop, and ask on until it is gone.

    Args:
        service: One that is ready.
        question: What the client of a number asks.
        seconds: How long to ask before the signal. `/health` is watched until a second before it.
    """
    report = LoadReport()
    watch = _HealthWatch(service, report)
    watch.start()
    timer = threading.Timer(seconds - 1, watch.stop)
    timer.start()
    asyncio.run(_Load(service, report).run(question, seconds))
    timer.join()
    report.exit_code = service.wait()
    return report


class _Load:
    def __init__(self, service: LiveService, report: LoadReport) -> None:
        self._service = service
        self._report = report
        self._signalled = False

    async def run(self, question: Callable[[int], Question], seconds: float) -> None:
        limits = httpx2.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
        async with (
            httpx2.AsyncClient(base_url=self._service.url, limits=limits, timeout=60) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for number in range(CLIENTS):
                tasks.create_task(self._ask(client, question(number)))
            await asyncio.sleep(seconds)
            self._signalled = True
            self._service.signal()

    async def _ask(self, client: httpx2.AsyncClient, question: Question) -> None:
        report = self._report
        method = "GET" if question.body is None else "POST"
        while True:
            try:
                response = await client.request(method, question.path, json=question.body)
            except httpx2.HTTPError as error:
                if not (self._signalled and isinstance(error, httpx2.ConnectError)):
                    when = "after" if self._signalled else "before"
                    report.failures.append(f"{error!r} {when} the signal")
                return
            report.answers[question.kind, response.status_code] += 1
            if response.status_code == OK:
                report.wrong += not question.is_right(response.json())
            elif response.status_code == UNAVAILABLE:
                report.without_retry_after += "retry-after" not in response.headers
                await asyncio.sleep(float(response.headers.get("retry-after", 0)))


class _HealthWatch(threading.Thread):
    """Asks for `/health` all the while, in a thread that the clients do not slow down."""

    def __init__(self, service: LiveService, report: LoadReport) -> None:
        super().__init__(daemon=True)
        self._service = service
        self._report = report
        self._over = threading.Event()

    def run(self) -> None:
        report = self._report
        with httpx2.Client(base_url=self._service.url, timeout=60) as client:
            while not self._over.wait(HEALTH_EVERY_S):
                began = monotonic()
                report.health[client.get("/health").status_code] += 1
                report.slowest_health_s = max(report.slowest_health_s, monotonic() - began)

    def stop(self) -> None:
        self._over.set()
        self.join()
