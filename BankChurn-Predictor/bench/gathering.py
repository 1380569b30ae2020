"""What gathering waiting requests into one call of the model would gain (docs/adr/031)."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from measuring import cpu_timed

CONNECTIONS = 50
REQUESTS = 20
ROUNDS = 15

Answer = Callable[[Any], Awaitable[Any]]


def gather_waiting(predictor: Any, customers: Sequence[Any]) -> dict[str, float]:  # noqa: ANN401
    """The CPU time per request of an event loop that does nothing but answer 50 connections.

    All connections ask at the same time, so that there is always something to gather: the gain is
    the most that a service could have.
    """

    async def at_once(customer: Any) -> Any:  # noqa: ANN401
        await asyncio.sleep(0)
        [answer] = predictor.answer([customer], model_version="")
        return answer

    gathered = _Gathered(predictor)
    seconds: dict[str, list[float]] = {"at_once": [], "gathered": []}
    for _ in range(ROUNDS):
        for name, answer in (("at_once", at_once), ("gathered", gathered)):
            took, _ = cpu_timed(lambda answer=answer: asyncio.run(_ask(answer, customers)))
            seconds[name].append(took / (CONNECTIONS * REQUESTS))
    return {
        "connections": CONNECTIONS,
        "at_once_us": statistics.median(seconds["at_once"]) * 1e6,
        "gathered_us": statistics.median(seconds["gathered"]) * 1e6,
    }


class _Gathered:
    """Answers the requests of one turn of the event loop with one call, in the next turn."""

    def __init__(self, predictor: Any) -> None:  # noqa: ANN401
        self._predictor = predictor
        self._waiting: list[tuple[Any, asyncio.Future[Any]]] = []

    async def __call__(self, customer: Any) -> Any:  # noqa: ANN401
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._answer)
        self._waiting.append((customer, future))
        return await future

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        answers = self._predictor.answer([one for one, _ in waiting], model_version="")
        for (_, future), answer in zip(waiting, answers, strict=True):
            future.set_result(answer)


async def _ask(answer: Answer, customers: Sequence[Any]) -> None:
    async def connection(number: int) -> None:
        for request in range(REQUESTS):
            await answer(customers[(number + request) % len(customers)])

    await asyncio.gather(*map(connection, range(CONNECTIONS)))
