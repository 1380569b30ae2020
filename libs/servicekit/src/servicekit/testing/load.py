"""Load on a service: 200 clients that ask until it has stopped."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx2

from servicekit.testing.live_service import LiveService

CLIENTS = 200
HEALTH_EVERY_S = 0.2
OK = 200
UNAVAILABLE = 503


@dataclass(frozen=True)
class Question:
    """What one client asks repeatedly.

    Attributes:
        kind: The name that it is counted under.
        path: The path, with its query.
        body: JSON that is sent with POST; None for a GET.
        is_right: Tells whether the JSON of an answer is right for this client.
    """

    kind: str
    path: str
    body: object = None
    is_right: Callable[[Any], bool] = lambda _answer: True


@dataclass
class _LoadReport:
    """What the clients saw.

    Attributes:
        answers: Number of answers by kind and status.
        wrong: Number of answers that were not right for their client.
        without_retry_after: Number of refusals without ``Retry-After``.
        failures: Broken connections, except those refused after the signal.
        health: Number of answers of ``/health``, by status.
        slowest_health_s: The longest that an answer of ``/health`` took.
        exit_code: The exit code of the service.
    """

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: int = 0
    without_retry_after: int = 0
    failures: list[str] = field(default_factory=list)
    health: Counter[int] = field(default_factory=Counter)
    slowest_health_s: float = 0.0
    exit_code: int | None = None


def check_under_load(
    service: LiveService,
    question: Callable[[int], Question],
    *,
    kinds: Collection[str],
    routes: str,
    seconds: float = 10,
    health_within_s: float = 5,
) -> None:
    """Put a service under more load than it takes, stop it, and check what the clients saw.

    All clients ask for some time, the service gets SIGTERM, and they ask on until it has gone.

    Args:
        service: A ready service. Its ``drain_s`` is longer than its ``Retry-After``, so that every
            client meets ``Connection: close`` before idle connections are closed.
        question: Returns what a client, given by its number, asks.
        kinds: The kinds of questions, of which each must be answered with 200 at least once.
        routes: The beginning of the routes that are asked.
        seconds: How long to ask before the signal. ``/health`` is watched until a second before.
        health_within_s: The longest that ``/health`` may take: a probe's patience, no promise of
            speed. A starved probe would take half a minute.

    Raises:
        AssertionError: An answer is wrong or lost, a refusal is not deliberate, or the service
            does not end with 0.
    """
    report = _put_under_load(service, question, seconds)
    assert report.failures == []
    assert report.wrong == 0
    assert {status for _, status in report.answers} == {OK, UNAVAILABLE}
    assert report.without_retry_after == 0
    assert {kind for kind, status in report.answers if status == OK} == set(kinds)
    assert set(report.health) == {OK}
    assert report.slowest_health_s <= health_within_s
    assert report.exit_code == 0
    served = sum(line["route"].startswith(routes) for line in service.logged("request"))
    assert served == sum(report.answers.values()), "every accepted request was answered"


def _put_under_load(
    service: LiveService, question: Callable[[int], Question], seconds: float
) -> "_LoadReport":
    report = _LoadReport()
    watch = _HealthWatch(service, report)
    watch.start()
    timer = threading.Timer(seconds - 1, watch.stop)
    timer.start()
    asyncio.run(_Load(service, report).run(question, seconds))
    timer.join()
    report.exit_code = service.wait()
    return report


class _Load:
    def __init__(self, service: LiveService, report: _LoadReport) -> None:
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
    """Asks for `/health` in a thread that the clients do not slow down."""

    def __init__(self, service: LiveService, report: _LoadReport) -> None:
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
