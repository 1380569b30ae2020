"""Scores customers who ask in the same turn of the event loop with one call of the ensemble.

A call for one customer takes much longer on a busy service than in a loop of its own, because other
requests have displaced its tables from the processor's caches; ADR 035 has the figures. A customer
gets the same score, bit for bit, alone and among others.
"""

import asyncio

from bankchurn.model.predictor import ChurnPredictor

__all__ = ["Gatherer"]


class Gatherer:
    """Gathers the customers of one turn of the event loop, and scores them in the next one.

    The service admits a few requests in each turn (`servicekit.concurrency_limiter`), so that a
    call is short.

    Args:
        predictor: The model.
    """

    def __init__(self, predictor: ChurnPredictor) -> None:
        self._predictor = predictor
        self._waiting: list[tuple[list[int], asyncio.Future[float]]] = []

    async def probability(self, intervals: list[int]) -> float:
        """The probability of churn of a customer (`ChurnPredictor.intervals`)."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[float] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._score)
        self._waiting.append((intervals, future))
        return await future

    def _score(self) -> None:
        # A request that was cancelled while it waited needs no score.
        waiting = [(intervals, future) for intervals, future in self._waiting if not future.done()]
        self._waiting.clear()
        if not waiting:
            return
        try:
            found = self._predictor.probabilities_of([intervals for intervals, _ in waiting])
        except Exception as error:  # noqa: BLE001 - raised in every request that waits
            for _, future in waiting:
                future.set_exception(error)
            return
        for (_, future), probability in zip(waiting, found, strict=True):
            future.set_result(probability)
