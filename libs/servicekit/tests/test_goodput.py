"""That a service which is asked for more than it can do still answers as many as it can."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

import httpx2
from servicekit.testing import LiveService

Live = Callable[..., LiveService]

# Fifty milliseconds of one thread, in steps: twenty answers a second.
JOB: Final = "/job?steps=5&s=0.01"
SECONDS: Final = 2.0
ROUNDS: Final = 3


async def _ask(service: LiveService, *, clients: int) -> tuple[Counter[int], int]:
    """Have so many clients ask, each again as soon as it is answered; the answers by status."""
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


def test_at_several_times_the_capacity_as_much_is_answered_as_at_the_capacity(live: Live) -> None:
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
        assert crowd[504] <= 0.1 * crowd[200], "hardly any work is for nobody"
        assert set(crowd) <= {200, 503, 504}
    assert unexplained == 0
