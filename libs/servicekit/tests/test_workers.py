import asyncio
import contextvars
import gc
import threading
import weakref

import pytest
from servicekit.workers import WorkerPool


def test_it_returns_what_the_function_returns() -> None:
    async def scenario() -> None:
        assert await WorkerPool(1).run(max, 3, 5) == 5

    asyncio.run(scenario())


def test_it_raises_what_the_function_raises() -> None:
    async def scenario() -> None:
        pool = WorkerPool(1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await pool.run(divmod, 1, 0)

    asyncio.run(scenario())


def test_the_function_sees_the_callers_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    async def scenario() -> None:
        variable.set("mine")
        assert await WorkerPool(1).run(variable.get) == "mine"

    asyncio.run(scenario())


def test_no_more_run_at_once_than_there_are_threads() -> None:
    running, most = 0, 0
    lock = threading.Lock()
    both = threading.Barrier(2)

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(60)
        with lock:
            running -= 1

    async def scenario() -> None:
        pool = WorkerPool(2)
        await asyncio.gather(*(pool.run(work) for _ in range(10)))

    asyncio.run(scenario())
    assert most == 2


def test_who_is_cancelled_while_waiting_has_started_nothing() -> None:
    started: list[int] = []
    go_on = threading.Event()

    async def scenario() -> None:
        pool = WorkerPool(1)
        first = asyncio.create_task(pool.run(go_on.wait, 60))
        second = asyncio.create_task(pool.run(started.append, 1))
        await asyncio.sleep(0)
        second.cancel()
        go_on.set()
        await first
        with pytest.raises(asyncio.CancelledError):
            await second

    asyncio.run(scenario())
    assert started == []


def test_a_thread_whose_caller_left_keeps_its_slot_until_it_is_done() -> None:
    go_on = threading.Event()

    async def scenario() -> None:
        pool = WorkerPool(1)
        first = asyncio.create_task(pool.run(go_on.wait, 60))
        await asyncio.sleep(0)
        assert pool.busy == 1
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert pool.busy == 1
        second = asyncio.create_task(pool.run(max, 1, 2))
        await asyncio.sleep(0.05)
        assert not second.done()
        go_on.set()
        assert await second == 2

    asyncio.run(scenario())


def test_who_is_cancelled_while_waiting_leaves_nothing_behind() -> None:
    """A thread that hangs must not gather the arguments of everybody who gave up on it."""

    class Argument:
        pass

    go_on = threading.Event()

    async def scenario() -> None:
        pool = WorkerPool(1)
        hanging = asyncio.create_task(pool.run(go_on.wait, 60))
        argument = Argument()
        remembered = weakref.ref(argument)
        waiting = asyncio.create_task(pool.run(id, argument))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        del argument, waiting
        gc.collect()
        assert remembered() is None
        go_on.set()
        await hanging

    asyncio.run(scenario())
