"""A function over a stream, by several threads: in order, and in bounded memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def map_ahead(function: Callable[[A], B], items: Iterable[A], threads: int) -> Generator[B]:
    """What a function gives for each item, in the order of the items.

    The threads work ahead of whoever takes the results, but never by more than a few items. What
    the function or the items raise ends it.

    Args:
        function: Called by the threads; worth it where it works outside Python's lock.
        items: Taken one after the other, in the caller's thread.
        threads: How many.
    """
    waiting: deque[Future[B]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ahead")
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
