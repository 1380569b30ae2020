"""Requests of one turn of the event loop, scored together."""

import asyncio
from collections.abc import Sequence

import pytest
from bankchurn.gathering import Gatherer
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.schema import Customer, example


@pytest.fixture
def intervals(predictor: ChurnPredictor) -> list[list[int]]:
    customers = [Customer.model_validate(example() | {"Age": age}) for age in range(30, 50)]
    found = [one for customer in customers if (one := predictor.intervals(customer)) is not None]
    assert len(found) == len(customers)
    return found


@pytest.fixture
def calls(predictor: ChurnPredictor, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of customers of each call of the model."""
    sizes: list[int] = []
    score = predictor.probabilities_of

    def counted(intervals: Sequence[list[int]]) -> list[float]:
        sizes.append(len(intervals))
        return score(intervals)

    monkeypatch.setattr(predictor, "probabilities_of", counted)
    return sizes


def test_customers_of_one_turn_share_a_call_and_get_what_each_gets_alone(
    predictor: ChurnPredictor, intervals: list[list[int]], calls: list[int]
) -> None:
    alone = [predictor.probabilities_of([one])[0] for one in intervals]
    calls.clear()

    async def ask() -> list[float]:
        gatherer = Gatherer(predictor)
        return await asyncio.gather(*map(gatherer.probability, intervals))

    assert asyncio.run(ask()) == alone
    assert calls == [len(intervals)]


def test_a_customer_waits_for_nobody_who_asks_later(
    predictor: ChurnPredictor, intervals: list[list[int]], calls: list[int]
) -> None:
    async def ask() -> None:
        gatherer = Gatherer(predictor)
        for one in intervals[:3]:
            await gatherer.probability(one)

    asyncio.run(ask())
    assert calls == [1, 1, 1]


def test_a_cancelled_request_leaves_the_others_their_answers(
    predictor: ChurnPredictor, intervals: list[list[int]], calls: list[int]
) -> None:
    async def ask() -> list[float | BaseException]:
        gatherer = Gatherer(predictor)
        tasks = [asyncio.create_task(gatherer.probability(one)) for one in intervals[:3]]
        await asyncio.sleep(0)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, second, third = asyncio.run(ask())
    assert isinstance(second, asyncio.CancelledError)
    alone = [predictor.probabilities_of([one])[0] for one in intervals[:3]]
    assert [first, third] == [alone[0], alone[2]]
    assert calls[0] == 2


def test_all_cancelled_requests_need_no_call(
    predictor: ChurnPredictor, intervals: list[list[int]], calls: list[int]
) -> None:
    async def ask() -> float:
        gatherer = Gatherer(predictor)
        task = asyncio.create_task(gatherer.probability(intervals[0]))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await gatherer.probability(intervals[1])

    assert asyncio.run(ask()) == predictor.probabilities_of([intervals[1]])[0]
    assert calls == [1, 1]


def test_a_failure_reaches_every_request_of_its_turn_and_no_other(
    predictor: ChurnPredictor, intervals: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_intervals: Sequence[list[int]]) -> list[float]:
        raise MemoryError

    async def ask() -> list[float | BaseException]:
        gatherer = Gatherer(predictor)
        with monkeypatch.context() as patched:
            patched.setattr(predictor, "probabilities_of", fail)
            failed = await asyncio.gather(
                *map(gatherer.probability, intervals[:2]), return_exceptions=True
            )
        return [*failed, await gatherer.probability(intervals[0])]

    first, second, later = asyncio.run(ask())
    assert isinstance(first, MemoryError)
    assert isinstance(second, MemoryError)
    assert later == predictor.probabilities_of([intervals[0]])[0]
