"""The limiter alone, at moments that a test over a socket cannot hit."""

import asyncio

from servicekit.concurrency_limiter import ConcurrencyLimiter, Place


def place_in(limiter: ConcurrencyLimiter) -> Place:
    """Add a request to the queue, which has room for it."""
    place = limiter.enqueue()
    assert place is not None
    return place


def test_requests_are_admitted_up_to_the_limit() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=2, queue=0)
        assert [limiter.try_acquire() for _ in range(3)] == [True, True, False]
        assert limiter.enqueue() is None

    asyncio.run(scenario())


def test_only_a_few_requests_begin_in_one_turn_of_the_loop() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=10, queue=0, starts_per_turn=2)
        assert [limiter.try_acquire() for _ in range(3)] == [True, True, False]
        turns = [limiter.enqueue() for _ in range(5)]
        begun = []
        for _ in range(3):
            await asyncio.sleep(0)
            begun.append(sum(turn is not None and turn.done() for turn in turns))
        assert begun == [2, 4, 5]
        assert (limiter.active, limiter.queued) == (7, 0)

    asyncio.run(scenario())


def test_limit_and_queue_bound_all_requests() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=2, queue=1, starts_per_turn=1)
        assert limiter.try_acquire()
        assert [limiter.enqueue() is None for _ in range(3)] == [False, False, True]

    asyncio.run(scenario())


def test_the_first_request_in_the_queue_is_admitted_first() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=1, queue=2)
        limiter.try_acquire()
        first, second = place_in(limiter), place_in(limiter)
        limiter.release()
        assert (first.done(), second.done()) == (True, False)
        assert (limiter.active, limiter.queued) == (1, 1)

    asyncio.run(scenario())


def test_a_new_request_does_not_overtake_the_queue() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=1, queue=1)
        limiter.try_acquire()
        limiter.enqueue()
        assert not limiter.try_acquire()

    asyncio.run(scenario())


def test_a_cancelled_request_leaves_the_queue() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=1, queue=1)
        limiter.try_acquire()
        turn = place_in(limiter)
        limiter.cancel(turn)
        assert (limiter.active, limiter.queued) == (1, 0)

    asyncio.run(scenario())


def test_a_request_that_is_cancelled_as_it_is_admitted_makes_room_for_the_next() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=1, queue=2)
        limiter.try_acquire()
        first, second = place_in(limiter), place_in(limiter)
        limiter.release()
        limiter.cancel(first)
        assert second.done()
        assert (limiter.active, limiter.queued) == (1, 0)
        limiter.release()
        assert limiter.active == 0

    asyncio.run(scenario())


def test_a_request_that_is_woken_keeps_its_place() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=1, queue=2)
        limiter.try_acquire()
        first, second = place_in(limiter), place_in(limiter)
        limiter.wake(first)
        same = first.result()
        assert same is not None
        limiter.release()
        assert (same.done(), second.done()) == (True, False)
        limiter.cancel(first)
        assert (second.done(), limiter.active, limiter.queued) == (True, 1, 0)

    asyncio.run(scenario())


def test_a_request_that_was_woken_can_leave_the_queue() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=1, queue=1)
        limiter.try_acquire()
        place = place_in(limiter)
        limiter.wake(place)
        limiter.cancel(place)
        assert (limiter.active, limiter.queued) == (1, 0)

    asyncio.run(scenario())


def test_a_request_that_was_admitted_is_not_woken() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=1, queue=1)
        limiter.try_acquire()
        place = place_in(limiter)
        limiter.release()
        limiter.wake(place)
        assert place.result() is None

    asyncio.run(scenario())


def test_a_request_whose_task_is_cancelled_is_passed_over() -> None:
    async def scenario() -> None:
        limiter = ConcurrencyLimiter(limit=1, queue=2)
        limiter.try_acquire()
        first, second = place_in(limiter), place_in(limiter)
        # As `Task.cancel` does to what the task awaits; the task itself runs in a later turn.
        first.cancel()
        limiter.release()
        limiter.cancel(first)
        assert (second.done(), limiter.active, limiter.queued) == (True, 1, 0)

    asyncio.run(scenario())
