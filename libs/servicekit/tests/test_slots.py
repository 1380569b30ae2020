"""Who waits for a slot gets it in order, and the quick ones in turn with the others."""

import asyncio

import pytest
from servicekit.slots import Slots


async def waiting(slots: Slots, number: int, *, quick: bool, served: list[int]) -> None:
    await slots.take(number, quick=quick)
    served.append(number)


def serve_all(size: int, *, quick: list[int], others: list[int], arrivals: list[int]) -> list[int]:
    """The order in which those who wait get the one slot that is given back each time."""
    served: list[int] = []

    async def scenario() -> None:
        slots = Slots(size)
        for _ in range(size):
            await slots.take(-1, quick=False)
        async with asyncio.TaskGroup() as tasks:
            for number in arrivals:
                tasks.create_task(waiting(slots, number, quick=number in quick, served=served))
                await asyncio.sleep(0)
            for _ in [*quick, *others]:
                slots.give_back()
                await asyncio.sleep(0)
        for _ in range(size):
            slots.give_back()
        assert slots.busy == 0

    asyncio.run(scenario())
    return served


def test_those_of_one_line_are_served_in_the_order_of_their_numbers() -> None:
    order = [3, 1, 2, 0]
    assert serve_all(1, quick=[], others=order, arrivals=order) == [0, 1, 2, 3]
    assert serve_all(2, quick=order, others=[], arrivals=order) == [0, 1, 2, 3]


def test_where_both_lines_wait_they_are_served_in_turn() -> None:
    quick, others = [4, 5, 6], [0, 1, 2, 3]
    served = serve_all(1, quick=quick, others=others, arrivals=[*others, *quick])
    assert served == [4, 0, 5, 1, 6, 2, 3]


def test_who_stops_waiting_is_passed_over() -> None:
    served: list[int] = []

    async def scenario() -> None:
        slots = Slots(1)
        await slots.take(0, quick=False)
        tasks = [
            asyncio.create_task(waiting(slots, number, quick=False, served=served))
            for number in (1, 2)
        ]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.wait([tasks[0]])
        slots.give_back()
        await tasks[1]

    asyncio.run(scenario())
    assert served == [2]


def test_who_is_cancelled_as_the_slot_is_won_gives_it_back() -> None:
    served: list[int] = []

    async def scenario() -> None:
        slots = Slots(1)
        await slots.take(0, quick=False)
        tasks = [
            asyncio.create_task(waiting(slots, number, quick=False, served=served))
            for number in (1, 2)
        ]
        await asyncio.sleep(0)
        slots.give_back()
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await tasks[1]
        assert slots.busy == 1

    asyncio.run(scenario())
    assert served == [2]


def test_who_was_cancelled_a_moment_ago_is_passed_over() -> None:
    served: list[int] = []

    async def scenario() -> None:
        slots = Slots(1)
        await slots.take(0, quick=False)
        tasks = [
            asyncio.create_task(waiting(slots, number, quick=False, served=served))
            for number in (1, 2)
        ]
        await asyncio.sleep(0)
        tasks[0].cancel()
        slots.give_back()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await tasks[1]
        assert slots.busy == 1

    asyncio.run(scenario())
    assert served == [2]
