"""The shadow of a service: a bounded queue, and a thread that works it off in another process."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from modelwatch.shadow.challenger import Challenger, Rows
from modelwatch.shadow.child import Child
from modelwatch.shadow.counts import ShadowCounts

__all__ = ["Shadow"]

MAX_WAITING: Final = 2_000
"""Most rows that wait."""

MAX_SENT: Final = 100
"""Most rows that are sent to the process at once."""

TICK_S: Final = 0.1
HANGING_S: Final = 60.0
"""Seconds of work after which a process that has answered nothing is killed."""

PAUSES_S: Final = (1.0, 5.0, 30.0, 120.0)
"""Seconds before each restart of a process that ended. After the last one, there is no shadow."""

_QUICK_S: Final = 1.0
_CLOSE_S: Final = 5.0


class Shadow:
    """Has a challenger answer what the model in use has answered, in spare capacity only.

    The process gets few rows at once, and more when it has answered them. Meanwhile rows wait; if
    too many wait, further ones are dropped and counted.

    Args:
        challenger: What to answer with.
        cpu_share: CPU time that the process may take, as a share of one core.
        warn: Called with a sentence if the challenger is refused, fails, or ends; at most once a
            minute for each reason.
    """

    def __init__(
        self, challenger: Challenger, *, cpu_share: float, warn: Callable[[str], None]
    ) -> None:
        self._challenger = challenger
        self._cpu_share = cpu_share
        self._warn = warn
        self._lock = threading.Lock()
        self._queue: deque[Rows] = deque()
        self._queued = 0
        self._offered = self._dropped = 0
        # Of the processes that have ended, and of the one that runs.
        self._ended = (0, 0, 0)
        self._reported = (0, 0, 0)
        self._sent = 0
        self._accepting = True
        self._child: Child | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self.is_up = False
        self.is_refused = False

    def start(self) -> None:
        """Start the process, in a thread."""
        self._thread.start()

    def offer(
        self, prediction_ids: Sequence[str | None], request_id: str, rows: Sequence[Any]
    ) -> None:
        """Offer the rows of a request that has been answered. Never blocks nor raises.

        Args:
            prediction_ids: The names of the answers; rows without a name are left out.
            request_id: The id of the request.
            rows: What the challenger gets. They are read later, and must not be changed.
        """
        now = time.time()
        named = [name for name in prediction_ids if name is not None]
        if len(named) < len(prediction_ids):
            rows = [row for name, row in zip(prediction_ids, rows, strict=False) if name]
        count = len(named)
        with self._lock:
            self._offered += count
            if not self._accepting or self._queued + count > MAX_WAITING:
                self._dropped += count
                return
            self._queued += count
            self._queue.append(Rows(now, request_id, named, rows))

    def counts(self) -> ShadowCounts:
        """The counts so far."""
        with self._lock:
            written, failed, not_logged = map(sum, zip(self._ended, self._reported, strict=True))
            known = written + failed + not_logged + self._dropped
            return ShadowCounts(
                self._offered, written, failed, not_logged, self._dropped, self._offered - known
            )

    def close(self) -> ShadowCounts:
        """End the process, once what it has answered is written; within some seconds. Blocks.

        Returns:
            The final counts; nothing waits.
        """
        self._closing.set()
        # The thread keeps within its own limit, unless the process does not read.
        self._thread.join(_CLOSE_S + 2 * TICK_S)
        child = self._child
        if self._thread.is_alive() and child is not None:
            child.kill()
        self._thread.join()
        return self.counts()

    def _run(self) -> None:
        try:
            for pause in (*PAUSES_S, None):
                ended = self._run_process()
                if self._closing.is_set() or self.is_refused:
                    return
                if pause is None:
                    self._warn(f"Shadow: {ended} It ended too often, and stays off.")
                    return
                self._warn(f"Shadow: {ended} It is started again in {pause:g} s.")
                if self._closing.wait(pause):
                    return
        finally:
            self._drop_queue()

    def _run_process(self) -> str:
        """Start a process and send it rows until it ends; why it ended."""
        try:
            child = Child(self._challenger, self._cpu_share)
        except OSError as error:
            return f"its process cannot be started: {error}."
        with child:
            self._child = child
            try:
                return self._serve(child)
            except EOFError:
                return f"its process ended with status {child.exit_status()}."
            except OSError as error:
                return f"its process does not read and was killed: {error}."
            except (TypeError, ValueError) as error:
                return f"its process sent something else than messages: {error}."
            finally:
                self.is_up = False
                self._child = None
                self._settle()

    def _serve(self, child: Child) -> str:
        most = 1
        answering = False
        next_at = 0.0
        until: float | None = None
        while until is None or time.monotonic() < until:
            message = child.receive(TICK_S)
            if message is not None:
                self._handle(message)
                if message.get("answered"):
                    answering = False
                    # So few that it takes about a second to answer them, and so few are lost.
                    quick = child.ran_s < _QUICK_S
                    most = min(most * 2, MAX_SENT) if quick else max(most // 2, 1)
                    child.ran_s = 0.0
            if until is not None:
                continue
            if self._closing.is_set():
                self._drop_queue()
                if not self.is_up:
                    return "its process was killed before it had opened the challenger."
                child.ask_to_end()
                until = time.monotonic() + _CLOSE_S
                continue
            child.limit_cpu()
            if answering and child.ran_s > HANGING_S:
                return f"its process has answered nothing for {HANGING_S:g} s and was killed."
            now = time.monotonic()
            # Small requests are gathered for a tick, because each message has a price.
            ready = self.is_up and not answering and not child.is_stopped
            if ready and self._queue and (now >= next_at or self._queued >= most):
                child.ran_s, next_at = 0.0, now + TICK_S
                child.send(self._take(most))
                answering = True
        return "its process was killed because it did not end in time."

    def _handle(self, message: dict[str, Any]) -> None:
        if "opened" in message:
            self.is_up = True
        if "refused" in message:
            self.is_refused = True
            self._warn(f"Shadow: the challenger is refused: {message['refused']}")
        if "warning" in message:
            self._warn(message["warning"])
        if "counts" in message:
            reported = Child.counts_of(message)
            with self._lock:
                self._reported = reported

    def _take(self, most: int) -> list[Rows]:
        """The oldest rows that wait, at most so many."""
        taken: list[Rows] = []
        left = most
        with self._lock:
            while self._queue and left:
                one = self._queue.popleft()
                count = len(one.prediction_ids)
                if count > left:
                    rest = one._replace(
                        prediction_ids=one.prediction_ids[left:], rows=one.rows[left:]
                    )
                    self._queue.appendleft(rest)
                    one = one._replace(
                        prediction_ids=one.prediction_ids[:left], rows=one.rows[:left]
                    )
                    count = left
                taken.append(one)
                left -= count
            self._queued -= most - left
            self._sent += most - left
        return taken

    def _settle(self) -> None:
        """Count what a process that has ended did not report as failed."""
        with self._lock:
            written, failed, not_logged = map(sum, zip(self._ended, self._reported, strict=True))
            failed += self._sent - (written + failed + not_logged)
            self._ended, self._reported = (written, failed, not_logged), (0, 0, 0)

    def _drop_queue(self) -> None:
        """Drop what waits, and what comes."""
        with self._lock:
            self._accepting = False
            self._dropped += self._queued
            self._queued = 0
            self._queue.clear()
