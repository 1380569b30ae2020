"""Threads that work ahead: in order, a few items at most, and errors end it."""

import threading
from collections.abc import Iterator

import pytest
from servicekit.parallel import map_ordered


def test_results_are_in_order_even_if_the_first_is_ready_last() -> None:
    others = threading.Semaphore(0)

    def work(item: int) -> int:
        if item == 0:
            for _ in range(3):
                assert others.acquire(timeout=30)
        else:
            others.release()
        return item * 10

    assert list(map_ordered(work, range(6), threads=2)) == [0, 10, 20, 30, 40, 50]


def test_no_more_than_a_few_items_are_taken_ahead() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield taken

    results = map_ordered(lambda item: item, items(), threads=2)
    for number in range(1, 101):
        assert next(results) == number
        assert taken <= number + 5


def test_an_error_of_the_function_ends_the_stream() -> None:
    seen: list[int] = []

    def work(item: int) -> int:
        seen.append(item)
        if item == 3:
            raise ValueError("three")
        return item

    with pytest.raises(ValueError, match="three"):
        list(map_ordered(work, range(1000), threads=2))
    assert len(seen) < 12


def test_an_error_of_the_items_ends_the_stream() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("unreadable")

    with pytest.raises(OSError, match="unreadable"):
        list(map_ordered(lambda item: item, items(), threads=1))


def test_calls_that_run_are_interrupted_where_the_stream_ends_early() -> None:
    running, interrupted = threading.Semaphore(0), threading.Event()
    called: list[int] = []
    ended: list[int] = []

    def work(item: int) -> int:
        called.append(item)
        if item > 0:
            running.release()
            assert interrupted.wait(timeout=60)
        ended.append(item)
        return item

    results = map_ordered(work, range(1000), threads=2, interrupt=interrupted.set)
    assert next(results) == 0
    for _ in range(2):
        assert running.acquire(timeout=60)
    results.close()
    # Calls that waited for a thread do not start.
    assert called == sorted(ended) == [0, 1, 2]
