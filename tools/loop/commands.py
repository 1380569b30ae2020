"""Runs commands, each with the processes that it starts, and ends all of them."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["INTERRUPTS", "CommandFailedError", "interrupts_later", "run"]

INTERRUPTS: Final = (signal.SIGINT, signal.SIGTERM)

_SHOWN: Final = 2_000


class CommandFailedError(Exception):
    """A command did not end as it should; the message has the end of its output."""


@contextmanager
def interrupts_later() -> Iterator[Callable[[], object]]:
    """Hold interrupts back while a process starts, so that none leaves it without an owner.

    A process that is started meanwhile holds them back, too, until it calls the function that the
    block gets, or unblocks `INTERRUPTS` itself.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)

    def restore() -> object:
        return signal.pthread_sigmask(signal.SIG_SETMASK, before)

    try:
        yield restore
    finally:
        restore()


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    accepted: Sequence[int] = (0,),
) -> tuple[int, str]:
    """Run a command. If it is interrupted, all of its processes are killed.

    Args:
        command: The command.
        environment: Variables besides those of this process.
        folder: Its working directory.
        accepted: The exit statuses that it may end with.

    Returns:
        Its exit status, and its standard output and error together.

    Raises:
        CommandFailedError: It ended with another status.
    """
    process: subprocess.Popen[str] | None = None
    try:
        with interrupts_later() as restore:
            # A session of its own, so that the processes that it starts are killed with it.
            process = subprocess.Popen(  # noqa: S603 - commands of this repository
                list(map(str, command)),
                env=os.environ | (environment or {}),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="backslashreplace",
                start_new_session=True,
                preexec_fn=restore,  # noqa: PLW1509 - this program has one thread
            )
        output, _ = process.communicate()
    finally:
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode not in accepted:
        words = " ".join(map(str, command))
        raise CommandFailedError(
            f"{words} ended with {process.returncode}:\n{output.strip()[-_SHOWN:]}"
        )
    return process.returncode, output
