"""Work that would block the event loop, in a bounded number of threads."""

import asyncio
import contextlib
import contextvars
import itertools
import math
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Any, Final, ParamSpec, TypeVar

from servicekit.deadlines import DEADLINE
from servicekit.errors import OverloadedError
from servicekit.slots import Slots

__all__ = ["Job", "WorkerPool"]

P = ParamSpec("P")
T = TypeVar("T")

# A job that is expected to take no longer may pass between two steps of a longer one.
QUICK_S: Final = 0.1
# Weight of the latest job in the moving average of seconds per unit.
_WEIGHT: Final = 0.2


class WorkerPool:
    """A few threads, and the jobs that wait for them.

    A job is one request's work, in one or more steps. If the steps of all jobs took turns, all jobs
    would finish late together, and under overload none would finish in time. So a job keeps its
    thread until it is done; only a quick job may run between two of its steps. The pool estimates
    each job's duration from earlier ones, and refuses a job that would miss its request's deadline.

    A caller waits for a free thread, not in the executor's unbounded queue: whoever is cancelled
    while waiting (a deadline, a client that left) has started nothing. A thread cannot be
    cancelled, so it is free when its *work* is done, not when its caller stops waiting; work that
    nobody waits for can therefore never pile up beyond the number of threads.

    Args:
        threads: How many functions may run at once.
    """

    def __init__(self, threads: int) -> None:
        self._slots = Slots(threads)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="servicekit-worker")
        self._numbers = itertools.count()
        self._jobs: set[Job] = set()
        self._seconds_per_unit: dict[tuple[str, int], float] = {}

    @property
    def busy(self) -> int:
        """How many threads are taken."""
        return self._slots.busy

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread and return its result: a job of one step and unknown cost.

        Args:
            work: The function. It sees the caller's context variables (the request id in logs).
            args: Its positional arguments.
            kwargs: Its keyword arguments.

        Raises:
            asyncio.CancelledError: The caller was cancelled; the thread finishes by itself.
        """
        async with self.job() as job:
            return await job.run(work, *args, **kwargs)

    @contextlib.asynccontextmanager
    async def job(self, kind: str = "", cost: float = 0.0) -> "AsyncIterator[Job]":
        """A request's work, of one step or several.

        Args:
            kind: Of jobs that take about as long for each unit of their cost; one of few.
            cost: Such as rows or characters; 0 where it is not known.

        Raises:
            OverloadedError: It would not be done before the request's deadline, because of what
                came before it; answered with 503.
        """
        # Small jobs take longer for each unit: only those of about the same size are alike.
        alike = kind, math.frexp(cost)[1]
        expected_s = cost * self._seconds_per_unit.get(alike, 0.0)
        job = Job(next(self._numbers), expected_s, self._slots, self._executor)
        if self._jobs:
            job.refuse_if_late(self._seconds_before(job))
        self._jobs.add(job)
        completed = False
        try:
            yield job
            completed = True
        finally:
            self._jobs.remove(job)
            job.leave()
            if cost:
                self._learn(alike, job.took_s / cost, completed=completed)

    def close(self) -> None:
        """Take no more work. Threads that still run are left to themselves."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _learn(self, alike: tuple[str, int], found: float, *, completed: bool) -> None:
        known = self._seconds_per_unit.get(alike)
        if not completed:
            # It took so long at least.
            self._seconds_per_unit[alike] = max(found, known or 0.0)
        elif known is None:
            self._seconds_per_unit[alike] = found
        else:
            self._seconds_per_unit[alike] = known + _WEIGHT * (found - known)

    def _seconds_before(self, job: "Job") -> float:
        """How long what is here already keeps the threads from a new job, as far as is known."""
        before = [one.left_s for one in self._jobs if one.is_quick or not job.is_quick]
        if job.is_quick and len(before) < len(self._jobs):
            # One step of a longer job may come before each quick one.
            return (sum(before) + QUICK_S * (len(before) + 1)) / self._slots.size
        return sum(before) / self._slots.size


class Job:
    """One request's work in the threads. `WorkerPool.job` makes it.

    Args:
        number: Its place among all jobs.
        expected_s: The seconds that it is expected to take; 0 where that is not known.
        slots: Of the threads.
        executor: The threads.

    Attributes:
        is_quick: Whether it may pass between two steps of others.
    """

    def __init__(
        self, number: int, expected_s: float, slots: Slots, executor: ThreadPoolExecutor
    ) -> None:
        self.is_quick = 0.0 < expected_s <= QUICK_S
        self._number = number
        self._expected_s = expected_s
        self._slots = slots
        self._executor = executor
        self._holds_slot = False
        self._step: Future[Any] | None = None
        self._done_s = 0.0
        self._began: float | None = None

    @property
    def took_s(self) -> float:
        """The seconds that its steps have taken, what the present one has included."""
        began = self._began
        return self._done_s if began is None else self._done_s + perf_counter() - began

    @property
    def left_s(self) -> float:
        """The seconds that it is expected to take still."""
        return max(0.0, self._expected_s - self.took_s)

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run its next step in a thread. See `WorkerPool.run`.

        Raises:
            OverloadedError: It had to wait for its first step, and would be done too late.
            asyncio.CancelledError: The caller was cancelled.
        """
        if self._holds_slot and self._slots.quick_waits and not self.is_quick:
            self._holds_slot = False
            self._slots.give_back()
        if not self._holds_slot:
            is_free = self._slots.busy < self._slots.size
            await self._slots.take(self._number, quick=self.is_quick)
            self._holds_slot = True
            if self._step is None and not is_free:
                self.refuse_if_late(0.0)
        context = contextvars.copy_context()

        def call() -> T:
            self._began = perf_counter()
            try:
                return context.run(work, *args, **kwargs)
            finally:
                self._done_s, self._began = self.took_s, None

        step = self._executor.submit(call)
        self._step = step
        return await asyncio.wrap_future(step)

    def refuse_if_late(self, before_s: float) -> None:
        """Raise if it would be done too late.

        Args:
            before_s: How long it has to wait.

        Raises:
            OverloadedError: It would.
        """
        deadline = DEADLINE.get()
        now = asyncio.get_running_loop().time()
        if deadline is not None and now + before_s + self._expected_s > deadline:
            raise OverloadedError(
                "Too much is worked on for an answer in time. Try again later, or send fewer "
                "requests at once.",
                retry_after_s=max(1, math.ceil(before_s)),
            )

    def leave(self) -> None:
        """Give the slot back as soon as the thread is free."""
        if not self._holds_slot:
            return
        self._holds_slot = False
        if self._step is None or self._step.done():
            self._slots.give_back()
            return
        loop = asyncio.get_running_loop()
        self._step.add_done_callback(lambda _done: _soon(loop, self._slots.give_back))


def _soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    # Called in the worker's thread, possibly after the loop was closed.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
