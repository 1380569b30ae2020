"""Waiters acquire in order, quick ones and others alternately."""

import asyncio

import pytest
from servicekit.fair_semaphore import FairSemaphore


async def waiting(semaphore: FairSemaphore, number: int, *, quick: bool, served: list[int]) -> None:
    await semaphore.acquire(number, quick=quick)
    served.append(number)


def serve_all(size: int, *, quick: list[int], others: list[int], arrivals: list[int]) -> list[int]:
    """The order in which waiters acquire a semaphore of size 1."""
    served: list[int] = []

    async def scenario() -> None:
        semaphore = FairSemaphore(size)
        for _ in range(size):
            await semaphore.acquire(-1, quick=False)
        async with asyncio.TaskGroup() as tasks:
            for number in arrivals:
                tasks.create_task(waiting(semaphore, number, quick=number in quick, served=served))
                await asyncio.sleep(0)
            for _ in [*quick, *others]:
                semaphore.release()
                await asyncio.sleep(0)
        for _ in range(size):
            semaphore.release()
        assert semaphore.busy == 0

    asyncio.run(scenario())
    return served


def test_one_queue_is_served_in_the_order_of_its_numbers() -> None:
    order = [3, 1, 2, 0]
    assert serve_all(1, quick=[], others=order, arrivals=order) == [0, 1, 2, 3]
    assert serve_all(2, quick=order, others=[], arrivals=order) == [0, 1, 2, 3]


def test_two_queues_are_served_alternately() -> None:
    quick, others = [4, 5, 6], [0, 1, 2, 3]
    served = serve_all(1, quick=quick, others=others, arrivals=[*others, *quick])
    assert served == [4, 0, 5, 1, 6, 2, 3]


def test_a_cancelled_waiter_is_skipped() -> None:
    served: list[int] = []

    async def scenario() -> None:
        semaphore = FairSemaphore(1)
        await semaphore.acquire(0, quick=False)
        tasks = [
            asyncio.create_task(waiting(semaphore, number, quick=False, served=served))
            for number in (1, 2)
        ]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.wait([tasks[0]])
        semaphore.release()
        await tasks[1]

    asyncio.run(scenario())
    assert served == [2]


def test_a_waiter_that_is_cancelled_as_it_acquires_releases() -> None:
    served: list[int] = []

    async def scenario() -> None:
        semaphore = FairSemaphore(1)
        await semaphore.acquire(0, quick=False)
        tasks = [
            asyncio.create_task(waiting(semaphore, number, quick=False, served=served))
            for number in (1, 2)
        ]
        await asyncio.sleep(0)
        semaphore.release()
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await tasks[1]
        assert semaphore.busy == 1

    asyncio.run(scenario())
    assert served == [2]


def test_a_waiter_that_was_just_cancelled_is_skipped() -> None:
    served: list[int] = []

    async def scenario() -> None:
        semaphore = FairSemaphore(1)
        await semaphore.acquire(0, quick=False)
        tasks = [
            asyncio.create_task(waiting(semaphore, number, quick=False, served=served))
            for number in (1, 2)
        ]
        await asyncio.sleep(0)
        tasks[0].cancel()
        semaphore.release()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await tasks[1]
        assert semaphore.busy == 1

    asyncio.run(scenario())
    assert served == [2]
