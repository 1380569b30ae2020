"""Work that would block the event loop, in a bounded number of threads."""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

__all__ = ["WorkerPool"]

P = ParamSpec("P")
T = TypeVar("T")


class WorkerPool:
    """A few threads, one free slot for each.

    A caller waits for a free slot, not in the executor's unbounded queue: whoever is cancelled
    while waiting (a deadline, a client that left) has started nothing. A thread cannot be
    cancelled, so a slot comes back when its *thread* is done, not when its caller stops waiting;
    work that nobody waits for can therefore never pile up beyond the number of threads.

    Args:
        threads: How many functions may run at once.
    """

    def __init__(self, threads: int) -> None:
        self.size = threads
        self.busy = 0
        self._free = asyncio.Semaphore(threads)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="servicekit-worker")

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread and return its result.

        Args:
            work: The function. It sees the caller's context variables (the request id in logs).
            args: Its positional arguments.
            kwargs: Its keyword arguments.

        Raises:
            asyncio.CancelledError: The caller was cancelled; the thread finishes by itself.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()

        def call() -> T:
            return context.run(work, *args, **kwargs)

        try:
            future = self._executor.submit(call)
        except BaseException:
            self._free.release()
            raise
        self.busy += 1
        future.add_done_callback(lambda _done: self._finished(loop))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Take no more work. Threads that still run are left to themselves."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _finished(self, loop: asyncio.AbstractEventLoop) -> None:
        # Called in the worker's thread, possibly after the loop was closed.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self.busy -= 1
        self._free.release()
