"""A busy service answers its probes, and as many requests as it can."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import httpx2
from servicekit.testing import LiveService, RawConnection

Live = Callable[..., LiveService]

# Fifty milliseconds of one thread, in steps: twenty answers a second.
JOB: Final = "/job?steps=5&s=0.01"
SECONDS: Final = 2.0
ROUNDS: Final = 3


def test_probes_are_answered_between_large_bodies(live: Live) -> None:
    rows = [{"x": 1.0, **{f"unknown {n}": n for n in range(20)}}] * 900
    body = json.dumps({"rows": rows}).encode()
    head = f"POST /predict_batch HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    request = (head + "Content-Type: application/json\r\n\r\n").encode() + body
    with live(max_concurrent_requests=32, log_level="debug") as service, ExitStack() as stack:
        service.wait_until_ready()
        batches = [stack.enter_context(RawConnection(service)) for _ in range(32)]
        probe = stack.enter_context(RawConnection(service))
        for batch in batches:
            # All but the last byte: then all are read at once.
            batch.send(request[:-1])
        # The probe is sent when half of the bodies are complete, and the log has the order of the
        # answers: this process may have to wait for a processor before or after each line here.
        for batch in batches[:16]:
            batch.send(request[-1:])
        probe.send(b"GET /health?probe HTTP/1.1\r\nHost: x\r\n\r\n")
        for batch in batches[16:]:
            batch.send(request[-1:])
        assert probe.receive_response()[0] == 200
        assert [batch.receive_response()[0] for batch in batches] == [422] * 32

        service.signal()
        assert service.wait() == 0

    routes = [line["route"] for line in service.logged("request")]
    assert routes.count("/predict_batch") == 32
    probed = len(routes) - 1 - routes[::-1].index("/health")
    assert routes[:probed].count("/predict_batch") < 24


def test_libraries_and_model_are_not_garbage_collected(
    live: Live,
) -> None:
    with live() as service:
        service.wait_until_ready()
        assert service.get("/frozen").json() > 10_000


async def _ask(service: LiveService, *, clients: int) -> tuple[Counter[int], int]:
    """Ask with many clients, each again after its answer; the number of answers by status."""
    answers = Counter[int]()
    unexplained = 0
    async with httpx2.AsyncClient(base_url=service.url, timeout=60) as client:
        loop = asyncio.get_running_loop()
        until = loop.time() + SECONDS

        async def one() -> None:
            nonlocal unexplained
            while loop.time() < until:
                response = await client.get(JOB)
                answers[response.status_code] += 1
                if response.status_code == 503:
                    unexplained += "retry-after" not in response.headers
                    # Sooner than Retry-After says, but not so often that refusing is the load.
                    await asyncio.sleep(0.3)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(clients):
                tasks.create_task(one())
    return answers, unexplained


def test_overload_does_not_reduce_the_rate_of_answers(live: Live) -> None:
    # Twice and six times as many jobs at a time as can be done before the deadline; all by turns,
    # for the machine may have other work for a while.
    answers = {clients: Counter[int]() for clients in (4, 40, 120)}
    unexplained = 0
    with live(request_timeout_s=1) as service:
        service.wait_until_ready()
        for _ in range(ROUNDS):
            for clients, counted in answers.items():
                found, without = asyncio.run(_ask(service, clients=clients))
                counted.update(found)
                unexplained += without

    at_capacity = answers.pop(4)
    for crowd in answers.values():
        assert crowd[503] > 0, "this was no more than it can do"
        assert crowd[200] >= 0.8 * at_capacity[200]
        assert crowd[504] <= 0.1 * crowd[200], "hardly any work is wasted"
        assert set(crowd) <= {200, 503, 504}
    assert unexplained == 0
