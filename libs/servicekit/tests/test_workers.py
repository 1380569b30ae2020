import asyncio
import contextvars
import gc
import threading
import time
import weakref

import pytest
from servicekit.deadlines import DEADLINE
from servicekit.errors import OverloadedError
from servicekit.workers import QUICK_S, WorkerPool


def test_it_returns_the_result_of_the_function() -> None:
    async def scenario() -> None:
        assert await WorkerPool(1).run(max, 3, 5) == 5

    asyncio.run(scenario())


def test_it_raises_the_error_of_the_function() -> None:
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


def test_a_caller_that_is_cancelled_while_waiting_has_started_nothing() -> None:
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


def test_a_thread_whose_caller_was_cancelled_is_busy_until_it_is_done() -> None:
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


def test_a_caller_that_is_cancelled_while_waiting_leaves_nothing_behind() -> None:
    """A hanging thread must not keep the arguments of cancelled callers."""

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


async def steps(pool: WorkerPool, name: str, done: list[str], *, count: int, s: float) -> None:
    """A job whose cost is its number of steps."""
    async with pool.job(f"{s}", count) as job:
        for _ in range(count):
            await job.run(time.sleep, s)
    done.append(name)


def test_jobs_of_several_steps_end_one_after_the_other() -> None:
    done: list[str] = []
    began: list[str] = []

    async def job(pool: WorkerPool, name: str) -> None:
        async with pool.job("job", 4) as one:
            for _ in range(4):
                await one.run(began.append, name)
        done.append(name)

    async def scenario() -> None:
        pool = WorkerPool(1)
        await asyncio.gather(*(job(pool, name) for name in "abc"))

    asyncio.run(scenario())
    assert "".join(began) == "aaaabbbbcccc"
    assert done == ["a", "b", "c"]


def test_a_quick_job_runs_between_two_steps_of_a_longer_one() -> None:
    done: list[str] = []

    async def scenario() -> None:
        pool = WorkerPool(1)
        await steps(pool, "learn", done, count=1, s=0.01)
        first = asyncio.create_task(steps(pool, "long", done, count=3, s=0.1))
        second = asyncio.create_task(steps(pool, "longer", done, count=3, s=0.1))
        await asyncio.sleep(0.05)
        await steps(pool, "quick", done, count=1, s=0.01)
        await asyncio.gather(first, second)

    asyncio.run(scenario())
    assert done == ["learn", "quick", "long", "longer"]


def test_quick_jobs_never_block_the_next_step_of_a_longer_one() -> None:
    done: list[str] = []

    async def scenario() -> None:
        pool = WorkerPool(1)
        await steps(pool, "learn", done, count=1, s=0.01)
        long = asyncio.create_task(steps(pool, "long", done, count=3, s=0.1))
        await asyncio.sleep(0.05)
        await asyncio.gather(long, *(steps(pool, "quick", done, count=1, s=0.01) for _ in range(6)))

    asyncio.run(scenario())
    assert done == ["learn", "quick", "quick", "long", "quick", "quick", "quick", "quick"]


def test_a_job_that_would_miss_its_deadline_is_refused_before_it_waits() -> None:
    done: list[str] = []

    async def scenario() -> None:
        pool = WorkerPool(1)
        await steps(pool, "learn", done, count=2, s=0.2)
        first = asyncio.create_task(steps(pool, "first", done, count=3, s=0.2))
        await asyncio.sleep(0)
        DEADLINE.set(asyncio.get_running_loop().time() + 0.9)
        with pytest.raises(OverloadedError) as refusal:
            await steps(pool, "late", done, count=2, s=0.2)
        assert not first.done()
        assert refusal.value.headers == {"Retry-After": "1"}
        DEADLINE.set(asyncio.get_running_loop().time() + 60)
        await steps(pool, "in time", done, count=2, s=0.2)

    asyncio.run(scenario())
    assert done == ["learn", "first", "in time"]


def test_small_jobs_do_not_predict_the_time_of_large_ones() -> None:
    """A small job spends most of its time on overhead."""

    async def job(pool: WorkerPool, cost: float) -> None:
        async with pool.job("rows", cost) as one:
            await one.run(time.sleep, 0.02)

    async def scenario() -> None:
        pool = WorkerPool(1)
        await job(pool, 2)
        DEADLINE.set(asyncio.get_running_loop().time() + 5)
        # By units, each of these would take ten seconds.
        await asyncio.gather(*(job(pool, 1000) for _ in range(10)))

    asyncio.run(scenario())


def test_a_job_without_predecessors_starts_whatever_its_expected_time() -> None:
    done: list[str] = []

    async def scenario() -> None:
        pool = WorkerPool(1)
        await steps(pool, "learn", done, count=1, s=0.2)
        DEADLINE.set(asyncio.get_running_loop().time() + 0.1)
        await steps(pool, "late", done, count=1, s=0.2)

    asyncio.run(scenario())
    assert done == ["learn", "late"]


def test_a_job_that_waited_too_long_is_refused_without_starting() -> None:
    """The time of the earlier job is not known yet."""
    done: list[str] = []

    async def scenario() -> None:
        pool = WorkerPool(1)
        await steps(pool, "learn", done, count=1, s=0.2)
        unknown = asyncio.create_task(pool.run(time.sleep, 0.5))
        await asyncio.sleep(0)
        DEADLINE.set(asyncio.get_running_loop().time() + 0.4)
        with pytest.raises(OverloadedError):
            await steps(pool, "late", done, count=1, s=0.2)
        assert not unknown.done(), "it was refused at its latest start, not when it got a thread"
        await unknown
        await steps(pool, "next", done, count=1, s=0.0)

    asyncio.run(scenario())
    assert done == ["learn", "next"]


def test_a_job_of_a_kind_that_takes_sometimes_longer_is_given_more_time() -> None:
    async def job(pool: WorkerPool, s: float) -> None:
        async with pool.job("rows", 1) as one:
            await one.run(time.sleep, s)

    async def scenario() -> None:
        pool = WorkerPool(1)
        for s in (0.02, 0.22, 0.02, 0.22):
            await job(pool, s)
        busy = asyncio.create_task(pool.run(time.sleep, 0.01))
        await asyncio.sleep(0)
        # Enough for the average job, and not for the longest.
        DEADLINE.set(asyncio.get_running_loop().time() + 0.25)
        with pytest.raises(OverloadedError):
            await job(pool, 0.02)
        await busy

    asyncio.run(scenario())


def test_the_time_of_an_aborted_job_is_a_lower_bound() -> None:
    go_on = threading.Event()

    async def cut_short(pool: WorkerPool) -> None:
        async with pool.job("slow", 1) as job:
            await job.run(go_on.wait, 60)

    async def scenario() -> None:
        pool = WorkerPool(1)
        task = asyncio.create_task(cut_short(pool))
        await asyncio.sleep(2 * QUICK_S)
        task.cancel()
        await asyncio.wait([task])
        go_on.set()
        async with pool.job("slow", 1) as job:
            assert job.left_s > QUICK_S
            assert not job.is_quick

    asyncio.run(scenario())
