"""The shadow of a job: a challenger answers one batch, in another process and a bounded time."""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from modelwatch.shadow.challenger import Challenger, Rows
from modelwatch.shadow.child import Child

__all__ = ["answer_batch"]

_FLUSH_S: Final = 1.0


def answer_batch(
    challenger: Challenger, batch: Rows, *, timeout_s: float, warn: Callable[[str], None]
) -> int:
    """Have a challenger answer what the model in use has answered, and log its answers.

    Whatever the challenger does, this raises no error. Its CPU time is not bounded, because the
    job has done its work.

    Args:
        challenger: What to answer with.
        batch: The rows, and the names of their answers.
        timeout_s: Seconds after which the process is killed.
        warn: Called with sentences about what went wrong.

    Returns:
        Number of answers in the store. Those of a process that was killed before it reported them
        may be there, too, and are not counted.
    """
    asked = len(batch.prediction_ids)
    run = _Run(batch, warn)
    problem = run.work(challenger._replace(flush_s=_FLUSH_S), timeout_s)
    if problem or run.written < asked:
        warn(
            f"Shadow: {problem or 'answers are missing.'} {run.written:,} of {asked:,} answers of "
            f"the challenger {challenger.folder} are in the prediction log. The batch is not "
            "affected."
        )
    return run.written


class _Run:
    def __init__(self, batch: Rows, warn: Callable[[str], None]) -> None:
        self._batch = batch
        self._warn = warn
        self._known = 0
        self._is_late = False
        self.written = 0

    def work(self, challenger: Challenger, timeout_s: float) -> str:
        """Run the process until all is answered and written; what went wrong, if anything."""
        try:
            with Child(challenger) as child:
                problem = self._follow(child, timeout_s)
        except OSError as error:
            problem = f"its process cannot be used: {error}."
        except (TypeError, ValueError) as error:
            problem = f"its process sent something else than messages: {error}."
        if self._is_late and self._is_unfinished:
            problem = f"its process was not done after {timeout_s:g} s, and was killed."
        return problem

    @property
    def _is_unfinished(self) -> bool:
        return self._known < len(self._batch.prediction_ids)

    def _follow(self, child: Child, timeout_s: float) -> str:
        until = time.monotonic() + timeout_s
        # To read a message waits for the rest of it, without a limit.
        timer = threading.Timer(timeout_s, self._kill, [child])
        timer.daemon = True
        timer.start()
        try:
            while self._is_unfinished and not self._is_late:
                message = child.receive(max(0.0, until - time.monotonic()))
                if message is None:
                    self._is_late = True
                elif "refused" in message:
                    return f"the challenger is refused: {message['refused']}"
                else:
                    self._handle(child, message)
        except EOFError:
            return f"its process ended with status {child.exit_status()}."
        finally:
            timer.cancel()
        return ""

    def _handle(self, child: Child, message: dict[str, Any]) -> None:
        if "opened" in message:
            child.send([self._batch])
        if "warning" in message:
            self._warn(message["warning"])
        if "counts" in message:
            self.written, failed, not_logged = Child.counts_of(message)
            self._known = self.written + failed + not_logged

    def _kill(self, child: Child) -> None:
        self._is_late = True
        child.kill()
