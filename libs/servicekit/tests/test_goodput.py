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
SECONDS: Final = 5.0


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
    with live(request_timeout_s=1) as service:
        service.wait_until_ready()
        at_capacity, _ = asyncio.run(_ask(service, clients=4))
        # Twice and six times as many jobs at a time as can be done before the deadline.
        crowds = [asyncio.run(_ask(service, clients=clients)) for clients in (40, 120)]

    assert set(at_capacity) == {200}
    for answers, unexplained in crowds:
        assert answers[503] > 0, "this was no more than it can do"
        assert answers[200] >= 0.8 * at_capacity[200]
        assert set(answers) <= {200, 503, 504}
        assert answers[504] <= 0.1 * answers[200], "hardly any work is for nobody"
        assert unexplained == 0
