"""A function over a stream, by several threads: in order, and in bounded memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class ParallelFunction(Generic[A, B]):
    """A function for `map_ordered`.

    Attributes:
        call: Called by the threads.
        threads: Number of threads.
        interrupt: Ends the calls that still run.
    """

    call: Callable[[A], B]
    threads: int
    interrupt: Callable[[], None] = _nothing


def map_ordered(
    function: Callable[[A], B],
    items: Iterable[A],
    threads: int,
    *,
    interrupt: Callable[[], None] = _nothing,
) -> Generator[B]:
    """The function's results, in the order of the items.

    The threads work ahead of the consumer of the results, by a few items at most. An error of the
    function or of the items ends the stream.

    Args:
        function: Called by the threads. It should release Python's lock.
        items: Read one after the other, in the caller's thread.
        threads: Number of threads.
        interrupt: Ends the calls of the function that still run when the stream ends early.
    """
    waiting: deque[Future[B]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="map-ordered")
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        interrupt()
        pool.shutdown()
