"""Processes that write through a temporary file or folder: to the end, slowly, or until killed."""

import fcntl
import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from modelseal import temporary_outputs
from modelseal.temporary_outputs import Temporary

# Forks from a process without threads that has imported the library.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["modelseal.temporary_outputs"])


def write(destination: Path, kind: str, text: str) -> None:
    """Write a file, or a folder of two files, whole."""
    with Temporary(destination) as temporary:
        if kind == "file":
            temporary.path.write_text(text)
            temporary.put_file()
            return
        temporary.path.mkdir()
        for name in ("one", "two"):
            (temporary.path / name).write_text(text)
        temporary.put_folder()


def write_often(destination: Path, text: str) -> None:
    for _ in range(40):
        write(destination, "file", text)


def write_when_asked(destination: Path, test: Connection) -> None:
    """Write a temporary file, send its path, and move it to its destination after a message."""
    with Temporary(destination) as temporary, suppress(EOFError):
        temporary.path.write_text("at work")
        test.send(temporary.path)
        test.recv()
        temporary.put_file()


def write_until_killed(destination: Path, kind: str, calls: int, *, can_exchange: bool) -> None:
    """Write "new", and kill the process at a system call.

    Args:
        destination: Path of the output.
        kind: ``file`` or ``folder``.
        calls: Number of system calls before the one at which the process is killed.
        can_exchange: Whether the system can exchange folders in one step.
    """
    left = calls

    def mortal(work: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any system call
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return work(*arguments, **named)

        return wrapped

    exchange = temporary_outputs.exchange if can_exchange else lambda _one, _other: False
    temporary_outputs.exchange = mortal(exchange)
    fcntl.flock = mortal(fcntl.flock)
    for name in ("open", "rename", "replace", "unlink", "mkdir", "rmdir", "close"):
        setattr(os, name, mortal(getattr(os, name)))
    write(destination, kind, "new")
    # Without the calls that end an interpreter.
    os._exit(0)
