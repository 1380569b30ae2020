"""Progress of a command on standard error: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

# Seconds between two lines where standard error is not a terminal, such as in a job's log.
_INTERVAL: Final = 10.0


class Advance(Protocol):
    """Reports progress. Functions that take long have a parameter of this type."""

    def __call__(self, amount: float = 1, step: str | None = None) -> None:
        """Report that more work is done.

        Args:
            amount: Work done since the last call, in the unit of the total.
            step: Name of the current step; None keeps the last one.
        """
        ...


def silent(amount: float = 1, step: str | None = None) -> None:
    """Show nothing: the default of functions that report progress."""


@contextmanager
def progress(what: str, *, total: float | None = None, unit: str = "steps") -> Iterator[Advance]:
    """Show the progress of a command on standard error, from the first report on.

    Print results after the block. Notices inside it belong on standard error (``print(...,
    file=sys.stderr)``), where they appear above the bar.

    Args:
        what: What the command does, such as ``Scoring``.
        total: Amount of work in all; None if unknown.
        unit: Unit of the amounts, in the plural, such as ``customers``.

    Yields:
        The function to report progress with.
    """
    console = Console(stderr=True)
    is_animated = sys.stderr.isatty() and not console.is_dumb_terminal
    display = _Bar(console, what, total, unit) if is_animated else _Lines(what, total, unit)
    try:
        yield display.advance
    except BaseException:
        display.close(finished=False)
        raise
    display.close(finished=True)


class _Bar:
    def __init__(self, console: Console, what: str, total: float | None, unit: str) -> None:
        self._what, self._total, self._unit = what, total, unit
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            redirect_stdout=False,
        )
        self._task = self._bar.add_task(what, start=False, total=total, amount="")
        self._done = 0.0
        self._started = False

    def advance(self, amount: float = 1, step: str | None = None) -> None:
        if not self._started:
            self._bar.start()
            self._bar.start_task(self._task)
            self._started = True
        self._done += amount
        self._bar.update(
            self._task,
            advance=amount,
            description=None if step is None else f"{self._what}: {step}",
            amount=_amount(self._done, self._total, self._unit),
        )

    def close(self, *, finished: bool) -> None:
        if self._started and finished and self._total is None:
            self._bar.update(self._task, total=self._done)
        self._bar.stop()


class _Lines:
    def __init__(self, what: str, total: float | None, unit: str) -> None:
        self._what, self._total, self._unit = what, total, unit
        self._began = time.monotonic()
        self._next_line = self._began
        self._done = 0.0
        self._step: str | None = None

    def advance(self, amount: float = 1, step: str | None = None) -> None:
        self._done += amount
        self._step = step or self._step
        if time.monotonic() >= self._next_line:
            self._write()
            self._next_line = time.monotonic() + _INTERVAL

    def close(self, *, finished: bool) -> None:
        if finished and self._next_line > self._began:
            self._write()

    def _write(self) -> None:
        seconds = time.monotonic() - self._began
        rate = f", {self._done / seconds:,.1f} a second" if seconds >= 1 else ""
        step = f", {self._step}" if self._step else ""
        amount = _amount(self._done, self._total, self._unit)
        sys.stderr.write(f"{self._what}: {amount} in {seconds:.0f} s{rate}{step}\n")
        sys.stderr.flush()


def _amount(done: float, total: float | None, unit: str) -> str:
    return f"{done:,.0f}{'' if total is None else f' of {total:,.0f}'} {unit}"
