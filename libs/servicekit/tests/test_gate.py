"""The gate by itself, with the moments that a socket cannot aim at."""

import asyncio

from servicekit.middleware.admission import Gate


def test_places_are_given_until_there_are_none() -> None:
    async def scenario() -> None:
        gate = Gate(places=2, queue=0)
        assert [gate.try_enter() for _ in range(3)] == [True, True, False]
        assert gate.queue_up() is None

    asyncio.run(scenario())


def test_only_a_few_begin_in_one_turn_of_the_loop() -> None:
    async def scenario() -> None:
        gate = Gate(places=10, queue=0, starts_per_turn=2)
        assert [gate.try_enter() for _ in range(3)] == [True, True, False]
        turns = [gate.queue_up() for _ in range(5)]
        begun = []
        for _ in range(3):
            await asyncio.sleep(0)
            begun.append(sum(turn is not None and turn.done() for turn in turns))
        assert begun == [2, 4, 5]
        assert (gate.active, gate.queued) == (7, 0)

    asyncio.run(scenario())


def test_places_and_queue_bound_all_that_are_there() -> None:
    async def scenario() -> None:
        gate = Gate(places=2, queue=1, starts_per_turn=1)
        assert gate.try_enter()
        assert [gate.queue_up() is None for _ in range(3)] == [False, False, True]

    asyncio.run(scenario())


def test_a_place_goes_to_the_first_who_waits() -> None:
    async def scenario() -> None:
        gate = Gate(places=1, queue=2)
        gate.try_enter()
        first, second = gate.queue_up(), gate.queue_up()
        assert first is not None
        assert second is not None
        gate.leave()
        assert (first.done(), second.done()) == (True, False)
        assert (gate.active, gate.queued) == (1, 1)

    asyncio.run(scenario())


def test_nobody_overtakes_those_who_wait() -> None:
    async def scenario() -> None:
        gate = Gate(places=1, queue=1)
        gate.try_enter()
        gate.queue_up()
        assert not gate.try_enter()

    asyncio.run(scenario())


def test_who_stops_waiting_frees_the_queue() -> None:
    async def scenario() -> None:
        gate = Gate(places=1, queue=1)
        gate.try_enter()
        turn = gate.queue_up()
        assert turn is not None
        gate.abandon(turn)
        assert (gate.active, gate.queued) == (1, 0)

    asyncio.run(scenario())


def test_a_place_that_was_won_while_giving_up_goes_to_the_next() -> None:
    async def scenario() -> None:
        gate = Gate(places=1, queue=2)
        gate.try_enter()
        first, second = gate.queue_up(), gate.queue_up()
        assert first is not None
        assert second is not None
        gate.leave()
        gate.abandon(first)
        assert second.done()
        assert (gate.active, gate.queued) == (1, 0)
        gate.leave()
        assert gate.active == 0

    asyncio.run(scenario())
