"""The service as a process, under more load than it wants, told to stop in the middle of it."""

import asyncio
import threading
from collections import Counter
from pathlib import Path
from time import monotonic

import httpx2
import pytest
from servicekit.testing import LiveService

CLIENTS = 200
SECONDS = 30.0
HEALTH_WITHIN_S = 1.0
HEALTH_EVERY_S = 0.2

pytestmark = pytest.mark.slow


@pytest.fixture
def service(sealed: Path) -> LiveService:
    return LiveService(
        ["-m", "bankchurn", "serve"],
        {"MODEL_DIR": str(sealed)},
        {"max_concurrent_requests": 16, "max_queued_requests": 100, "drain_s": 1},
    )


class Load:
    """Clients that ask as fast as they are answered, until nobody listens any more."""

    def __init__(self, service: LiveService, customer: dict[str, object]) -> None:
        self._service = service
        self._customer = customer
        self._signalled = False
        self.answers: Counter[tuple[str, int]] = Counter()
        self.without_retry_after = 0
        self.failures: list[str] = []

    async def run(self, seconds: float) -> None:
        """Ask for some time, tell the service to stop, and go on asking until it is gone."""
        limits = httpx2.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
        async with (
            httpx2.AsyncClient(base_url=self._service.url, limits=limits, timeout=60) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for number in range(CLIENTS):
                tasks.create_task(self._ask(client, number))
            await asyncio.sleep(seconds)
            self._signalled = True
            self._service.signal()

    async def _ask(self, client: httpx2.AsyncClient, number: int) -> None:
        # Most ask for one prediction; some for an explanation or a batch, which take longer.
        kind = {0: "explain", 1: "batch"}.get(number % 20, "predict")
        path = {"explain": "/predict?explain=true", "batch": "/predict_batch"}.get(kind, "/predict")
        body = {"customers": [self._customer] * 50} if kind == "batch" else self._customer
        while True:
            try:
                response = await client.post(path, json=body)
            except httpx2.HTTPError as error:
                if not (self._signalled and isinstance(error, httpx2.ConnectError)):
                    self.failures.append(repr(error))
                return
            self.answers[kind, response.status_code] += 1
            if response.status_code == 503:
                self.without_retry_after += "retry-after" not in response.headers
                await asyncio.sleep(float(response.headers.get("retry-after", 0)))


class HealthWatch(threading.Thread):
    """Asks for `/health` all the while, in a thread that the clients do not slow down."""

    def __init__(self, service: LiveService) -> None:
        super().__init__(daemon=True)
        self._service = service
        self._over = threading.Event()
        self.slowest_s = 0.0
        self.statuses: set[int] = set()

    def run(self) -> None:
        with httpx2.Client(base_url=self._service.url, timeout=60) as client:
            while not self._over.wait(HEALTH_EVERY_S):
                began = monotonic()
                self.statuses.add(client.get("/health").status_code)
                self.slowest_s = max(self.slowest_s, monotonic() - began)

    def stop(self) -> None:
        self._over.set()
        self.join()


def test_200_clients_get_answers_or_deliberate_refusals_and_none_is_lost_at_the_end(
    service: LiveService, customer: dict[str, object]
) -> None:
    with service:
        service.wait_until_ready()
        load, watch = Load(service, customer), HealthWatch(service)
        watch.start()
        timer = threading.Timer(SECONDS - 1, watch.stop)
        timer.start()
        asyncio.run(load.run(SECONDS))
        timer.join()
        exit_code = service.wait()

    assert load.failures == []
    assert {status for _, status in load.answers} <= {200, 503}
    assert load.without_retry_after == 0
    assert {kind for kind, status in load.answers if status == 200} == {
        "predict",
        "explain",
        "batch",
    }
    assert watch.statuses == {200}
    assert watch.slowest_s <= HEALTH_WITHIN_S
    assert exit_code == 0
    served = sum(line["route"].startswith("/predict") for line in service.logged("request"))
    assert served == sum(load.answers.values()), "every accepted request was answered"
