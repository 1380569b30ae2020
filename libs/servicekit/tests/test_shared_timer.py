"""One timer for many waits: each ends in its time, or is taken back before."""

import asyncio

from servicekit.shared_timer import SharedTimer

A_MOMENT_S = 0.02


def test_every_item_is_called_at_the_end_of_its_own_time() -> None:
    ended: list[tuple[str, float]] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        all_ended = asyncio.Event()

        def end(item: str) -> None:
            ended.append((item, loop.time()))
            if len(ended) == 2:
                all_ended.set()

        timer = SharedTimer[str](A_MOMENT_S, end)
        ends = {"first": timer.add("first")}
        await asyncio.sleep(A_MOMENT_S / 2)
        ends["second"] = timer.add("second")
        await all_ended.wait()
        assert [item for item, _ in ended] == ["first", "second"]
        assert all(called >= ends[item] for item, called in ended)

    asyncio.run(scenario())


def test_an_item_that_was_taken_back_is_not_called() -> None:
    ended: list[str] = []

    async def scenario() -> None:
        timer = SharedTimer[str](A_MOMENT_S, ended.append)
        for item in ("first", "second", "third"):
            timer.add(item)
        timer.discard("first")
        timer.discard("third")
        timer.discard("third")
        await asyncio.sleep(3 * A_MOMENT_S)

    asyncio.run(scenario())
    assert ended == ["second"]


def test_an_item_may_come_after_the_timer_has_ended() -> None:
    ended: list[str] = []

    async def scenario() -> None:
        timer = SharedTimer[str](A_MOMENT_S, ended.append)
        timer.add("first")
        await asyncio.sleep(3 * A_MOMENT_S)
        timer.add("second")
        await asyncio.sleep(3 * A_MOMENT_S)

    asyncio.run(scenario())
    assert ended == ["first", "second"]


def test_an_item_can_be_added_again_when_its_time_ends() -> None:
    ended: list[str] = []

    async def scenario() -> None:
        all_ended = asyncio.Event()

        def again(item: str) -> None:
            ended.append(item)
            if len(ended) < 3:
                timer.add(item)
            else:
                all_ended.set()

        timer = SharedTimer[str](A_MOMENT_S, again)
        timer.add("first")
        await all_ended.wait()

    asyncio.run(scenario())
    assert ended == ["first"] * 3
