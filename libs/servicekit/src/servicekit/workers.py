"""Runs work that would block the event loop in a bounded number of threads."""

import asyncio
import contextlib
import contextvars
import itertools
import math
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

from servicekit.deadlines import DEADLINE
from servicekit.errors import OverloadedError
from servicekit.fair_semaphore import FairSemaphore

P = ParamSpec("P")
T = TypeVar("T")

# A job with at most this expected time may run between two steps of a longer one.
QUICK_S: Final = 0.1
# Weights of the latest job in the moving averages of seconds per unit and of its deviation, as in
# RFC 6298. A job is expected to end within the average and this many deviations.
_WEIGHT: Final = 1 / 8
_DEVIATION_WEIGHT: Final = 1 / 4
_DEVIATIONS: Final = 2


class _Estimate(NamedTuple):
    """Seconds per unit of cost: the moving average, and that of the distance from it."""

    average: float
    deviation: float

    def after(self, found: float) -> "_Estimate":
        """The estimate after another job."""
        distance = abs(found - self.average)
        return _Estimate(
            self.average + _WEIGHT * (found - self.average),
            self.deviation + _DEVIATION_WEIGHT * (distance - self.deviation),
        )


class WorkerPool:
    """A few threads, and the jobs that wait for them.

    A job is one request's work, in one or more steps. If the steps of all jobs alternated, all jobs
    would finish late together, and under overload none would finish in time. So a job keeps its
    thread until it is done; only a quick job may run between two of its steps. The pool estimates
    each job's duration from earlier ones, and refuses a job that would miss its request's deadline,
    as soon as that is known: work that ends too late would be lost.

    A caller waits for a free thread, and not in the executor's unbounded queue: a caller that is
    cancelled while it waits (by a deadline or a disconnect) has started nothing. A thread cannot be
    cancelled. It is free when its *work* is done, not when its caller stops waiting, so abandoned
    work never exceeds the number of threads.

    Args:
        threads: The most functions that run at once.
    """

    def __init__(self, threads: int) -> None:
        self._threads = FairSemaphore(threads)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="servicekit-worker")
        self._numbers = itertools.count()
        self._jobs: set[Job] = set()
        self._seconds_per_unit: dict[tuple[str, int], _Estimate] = {}

    @property
    def busy(self) -> int:
        """Number of busy threads."""
        return self._threads.busy

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread and return its result, as a job of one step and unknown cost.

        Args:
            work: The function. It has the caller's context variables (the request id in logs).
            args: Its positional arguments.
            kwargs: Its keyword arguments.

        Raises:
            asyncio.CancelledError: The caller was cancelled; the thread finishes its work.
        """
        async with self.job() as job:
            return await job.run(work, *args, **kwargs)

    @contextlib.asynccontextmanager
    async def job(self, kind: str = "", cost: float = 0.0) -> "AsyncIterator[Job]":
        """A request's work, in one or more steps.

        Args:
            kind: Kind of work, one of few. Jobs of a kind take the same time per unit of cost.
            cost: The cost, such as the number of rows or characters; 0 if it is not known.

        Raises:
            OverloadedError: The job would miss its deadline because of earlier jobs; answered with
                503.
        """
        # Small jobs take longer per unit of cost: only jobs of about the same size are compared.
        alike = kind, math.frexp(cost)[1]
        average, deviation = self._seconds_per_unit.get(alike, _Estimate(0.0, 0.0))
        job = Job(
            next(self._numbers),
            cost * average,
            _DEVIATIONS * cost * deviation,
            self._threads,
            self._executor,
        )
        if self._jobs:
            job.refuse_if_late(self._seconds_before(job))
        self._jobs.add(job)
        completed = False
        try:
            yield job
            completed = True
        finally:
            self._jobs.remove(job)
            job.release()
            if cost:
                self._learn(alike, job.took_s / cost, completed=completed)

    def close(self) -> None:
        """Accept no more work. Running threads finish theirs."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _learn(self, alike: tuple[str, int], found: float, *, completed: bool) -> None:
        known = self._seconds_per_unit.get(alike)
        if known is None:
            self._seconds_per_unit[alike] = _Estimate(found, 0.0)
        elif completed:
            self._seconds_per_unit[alike] = known.after(found)
        else:
            # A lower bound: the job was not completed.
            self._seconds_per_unit[alike] = known._replace(average=max(found, known.average))

    def _seconds_before(self, job: "Job") -> float:
        """The seconds that the present jobs keep the threads from a new one, by their estimates."""
        before = [one.left_s for one in self._jobs if one.is_quick or not job.is_quick]
        if job.is_quick and len(before) < len(self._jobs):
            # One step of a longer job may come before each quick one.
            return (sum(before) + QUICK_S * (len(before) + 1)) / self._threads.size
        return sum(before) / self._threads.size


class Job:
    """One request's work in the threads, made by `WorkerPool.job`.

    Args:
        number: The job's number, in order of arrival.
        expected_s: The expected seconds; 0 if they are not known.
        margin_s: Seconds to allow beyond the expected ones.
        threads: Semaphore of the threads.
        executor: The threads.

    Attributes:
        is_quick: Whether it may run between two steps of other jobs.
    """

    def __init__(
        self,
        number: int,
        expected_s: float,
        margin_s: float,
        threads: FairSemaphore,
        executor: ThreadPoolExecutor,
    ) -> None:
        self.is_quick = 0.0 < expected_s <= QUICK_S
        self._number = number
        self._expected_s = expected_s
        self._margin_s = margin_s
        self._threads = threads
        self._executor = executor
        self._holds_thread = False
        self._step: Future[Any] | None = None
        self._done_s = 0.0
        self._began: float | None = None

    @property
    def took_s(self) -> float:
        """The seconds that its steps have taken, including the running one."""
        began = self._began
        return self._done_s if began is None else self._done_s + perf_counter() - began

    @property
    def left_s(self) -> float:
        """The expected seconds until it is done."""
        return max(0.0, self._expected_s - self.took_s)

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the next step in a thread. See `WorkerPool.run`.

        Raises:
            OverloadedError: The first step has waited so long that the job would miss its deadline.
            asyncio.CancelledError: The caller was cancelled.
        """
        if self._holds_thread and self._threads.quick_waits and not self.is_quick:
            self._holds_thread = False
            self._threads.release()
        if not self._holds_thread:
            is_free = self._threads.busy < self._threads.size
            latest = None if self._step is not None or is_free else self._latest_start()
            try:
                async with asyncio.timeout_at(latest):
                    await self._threads.acquire(self._number, quick=self.is_quick)
            except TimeoutError:
                raise _too_late(0.0) from None
            self._holds_thread = True
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
        """Refuse the job if it would miss its deadline.

        Args:
            before_s: Seconds that it has to wait.

        Raises:
            OverloadedError: It would miss its deadline.
        """
        latest = self._latest_start()
        if latest is not None and asyncio.get_running_loop().time() + before_s > latest:
            raise _too_late(before_s)

    def release(self) -> None:
        """Release the thread once its work is done."""
        if not self._holds_thread:
            return
        self._holds_thread = False
        if self._step is None or self._step.done():
            self._threads.release()
            return
        loop = asyncio.get_running_loop()
        self._step.add_done_callback(lambda _done: _soon(loop, self._threads.release))

    def _latest_start(self) -> float | None:
        deadline = DEADLINE.get()
        return None if deadline is None else deadline - self._expected_s - self._margin_s


def _too_late(before_s: float) -> OverloadedError:
    return OverloadedError(
        "The service has too much work to answer in time. Try again later, or send fewer requests "
        "at once.",
        retry_after_s=max(1, math.ceil(before_s)),
    )


def _soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    # Called in the worker thread, possibly after the loop was closed.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
