"""Background work that is restarted when it fails."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import structlog

# Seconds before failed work is restarted: short at first, then longer.
RESTART_FIRST_S: Final = 0.5
RESTART_MOST_S: Final = 60.0


class BackgroundWork:
    """Runs a coroutine, and restarts it after a pause each time that it fails.

    Args:
        work: Makes the coroutine.

    Attributes:
        has_failed: Whether it failed and is not restarted yet.
    """

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self.has_failed = False
        self._work = work

    async def run(self) -> None:
        """Run until the work returns, or this is cancelled."""
        loop = asyncio.get_running_loop()
        pauses = restart_pauses()
        while True:
            began = loop.time()
            self.has_failed = False
            try:
                await self._work()
            except Exception:
                if loop.time() - began > RESTART_MOST_S:
                    pauses = restart_pauses()
                pause = next(pauses)
                self.has_failed = True
                log = structlog.stdlib.get_logger("servicekit.background")
                log.exception("background work failed", again_in_s=pause)
                await asyncio.sleep(pause)
            else:
                return


def restart_pauses() -> Iterator[float]:
    """Seconds before each restart: doubled each time, up to a minute, without end."""
    pause = RESTART_FIRST_S
    while True:
        yield pause
        pause = min(2 * pause, RESTART_MOST_S)
