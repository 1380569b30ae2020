"""What gathering the requests of a turn into one call of the ensemble gains (docs/adr/035)."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bankchurn.gathering import Gatherer
from measuring import cpu_timed

CONNECTIONS = 50
REQUESTS = 20
ROUNDS = 15

Answer = Callable[[list[int]], Awaitable[float]]


def gather_waiting(predictor: Any, customers: Sequence[Any]) -> dict[str, float]:  # noqa: ANN401
    """The CPU time per request of an event loop that does nothing but answer 50 connections.

    All connections ask at the same time, so that there is always something to gather: the gain is
    the most that a service could have.
    """
    of_customers = [predictor.intervals(customer) for customer in customers]
    found = [intervals for intervals in of_customers if intervals is not None]

    async def at_once(intervals: list[int]) -> float:
        await asyncio.sleep(0)
        [probability] = predictor.probabilities_of([intervals])
        return float(probability)

    gathered = Gatherer(predictor).probability
    seconds: dict[str, list[float]] = {"at_once": [], "gathered": []}
    for _ in range(ROUNDS):
        for name, answer in (("at_once", at_once), ("gathered", gathered)):
            took, _ = cpu_timed(lambda answer=answer: asyncio.run(_ask(answer, found)))
            seconds[name].append(took / (CONNECTIONS * REQUESTS))
    return {
        "connections": CONNECTIONS,
        "at_once_us": statistics.median(seconds["at_once"]) * 1e6,
        "gathered_us": statistics.median(seconds["gathered"]) * 1e6,
    }


async def _ask(answer: Answer, found: Sequence[list[int]]) -> None:
    async def connection(number: int) -> None:
        for request in range(REQUESTS):
            await answer(found[(number + request) % len(found)])

    await asyncio.gather(*map(connection, range(CONNECTIONS)))
