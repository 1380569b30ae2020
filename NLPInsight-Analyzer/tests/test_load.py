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
SECONDS = 20.0
HEALTH_EVERY_S = 0.2

pytestmark = pytest.mark.slow


@pytest.fixture
def service(sealed: Path) -> LiveService:
    return LiveService(
        ["-m", "nlpinsight", "serve"],
        {"MODEL_DIR": str(sealed)},
        # Grace for a busy machine: what is not finished within it is cut off on purpose.
        {
            "max_concurrent_requests": 16,
            "max_queued_requests": 100,
            "drain_s": 1,
            "shutdown_grace_s": 90,
        },
    )


class Load:
    """Clients that ask as fast as they are answered, until nobody listens any more.

    Every text is the client's own, and known to be positive or negative: an answer that went to
    the wrong client would be seen.
    """

    def __init__(self, service: LiveService) -> None:
        self._service = service
        self._signalled = False
        self.answers: Counter[tuple[str, int]] = Counter()
        self.wrong = 0
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
        # Most ask about a short text; some about a long one or a batch, which go to a thread.
        kind = {0: "long", 1: "batch"}.get(number % 20, "short")
        good = number % 2 == 0
        clause = "beats estimates and raises its outlook" if good else "misses estimates and cuts"
        text = {"long": f"Acme {clause} " * 40}.get(kind, f"Acme {clause} outlook {number}")
        expected = "positive" if good else "negative"
        body = {"texts": [{"text": text}] * 50} if kind == "batch" else {"text": text}
        while True:
            try:
                path = "/predict_batch" if kind == "batch" else "/predict"
                response = await client.post(path, json=body)
            except httpx2.HTTPError as error:
                if not (self._signalled and isinstance(error, httpx2.ConnectError)):
                    when = "after" if self._signalled else "before"
                    self.failures.append(f"{error!r} {when} the signal")
                return
            self.answers[kind, response.status_code] += 1
            if response.status_code == 200:
                answer = response.json()
                found = answer["predictions"] if kind == "batch" else [answer["prediction"]]
                self.wrong += any(one["label"] != expected for one in found)
            else:
                await asyncio.sleep(float(response.headers["retry-after"]))


class HealthWatch(threading.Thread):
    """Asks for `/health` all the while, in a thread that the clients do not slow down."""

    def __init__(self, service: LiveService) -> None:
        super().__init__(daemon=True)
        self._service = service
        self._over = threading.Event()
        self.statuses: Counter[int] = Counter()
        self.slowest_s = 0.0

    def run(self) -> None:
        with httpx2.Client(base_url=self._service.url, timeout=60) as client:
            while not self._over.wait(HEALTH_EVERY_S):
                began = monotonic()
                self.statuses[client.get("/health").status_code] += 1
                self.slowest_s = max(self.slowest_s, monotonic() - began)

    def stop(self) -> None:
        self._over.set()
        self.join()


def test_200_clients_get_their_own_answers_or_deliberate_refusals_and_none_is_lost(
    service: LiveService,
) -> None:
    with service:
        service.wait_until_ready()
        load, watch = Load(service), HealthWatch(service)
        watch.start()
        timer = threading.Timer(SECONDS - 1, watch.stop)
        timer.start()
        asyncio.run(load.run(SECONDS))
        timer.join()
        exit_code = service.wait()

    assert load.failures == []
    assert load.wrong == 0
    assert {status for _, status in load.answers} <= {200, 503}
    assert {kind for kind, status in load.answers if status == 200} == {"short", "long", "batch"}
    assert set(watch.statuses) == {200}
    # A probe's patience, not a promise of speed: starved, it would be half a minute.
    assert watch.slowest_s <= 5
    assert exit_code == 0
    served = sum(line["route"].startswith("/predict") for line in service.logged("request"))
    assert served == sum(load.answers.values()), "every accepted request was answered"
