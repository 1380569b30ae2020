"""The process of a shadow, as the service sees it."""

import json
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final, Self

from modelwatch.shadow.challenger import Challenger, Rows
from modelwatch.shadow.cpu_budget import CpuBudget

__all__ = ["Child"]

_MESSAGE_S: Final = 10
"""Seconds in which a process must read a message, or finish one that it sends."""

_END_S: Final = 10
"""Seconds in which a process that has closed its socket must end."""


class Child:
    """A process of the shadow. It ends with the thread that makes it, and on exit.

    It is given one socket, and no other file but the standard error. Its session is its own, so
    that signals to the service's process group do not reach it.

    Args:
        challenger: What it answers with.
        cpu_share: CPU time that it may take, as a share of one core. `limit_cpu` stops it while it
            has taken more (on Linux).

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, challenger: Challenger, cpu_share: float = 1.0) -> None:
        ours, its = socket.socketpair()
        with its:
            timeout = struct.pack("ll", _MESSAGE_S, 0)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
            self._connection = Connection(ours.detach())
            try:
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter
                    [
                        *(sys.executable, "-m", "modelwatch.shadow"),
                        *(str(its.fileno()), str(os.getpid())),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(its.fileno(),),
                    start_new_session=True,
                )
            except OSError:
                self._connection.close()
                raise
        self._budget = CpuBudget(cpu_share, time.monotonic())
        self._stopped = False
        self._checked = time.monotonic()
        self.ran_s = 0.0
        with suppress(OSError):  # it has ended, which is seen when it is read
            self._connection.send_bytes(pickle.dumps(challenger))

    def __enter__(self) -> Self:
        """Nothing more to do: it runs."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill it, if it still runs."""
        self.kill()
        self._process.wait()
        self._connection.close()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def is_stopped(self) -> bool:
        """Whether it is stopped, because it has taken more CPU time than its share."""
        return self._stopped

    def exit_status(self) -> int:
        """Once its socket is closed: its exit status, negative for a signal. Blocks for seconds."""
        # It may have been stopped between closing and ending, or have closed the socket itself.
        self._process.send_signal(signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(_END_S)
        self.kill()
        return self._process.wait()

    def send(self, requests: Sequence[Rows]) -> None:
        """Send rows to answer.

        Raises:
            OSError: It has ended, or does not read.
        """
        self._connection.send_bytes(pickle.dumps(requests, protocol=pickle.HIGHEST_PROTOCOL))

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """Its next message; None if there is none in time.

        Raises:
            EOFError: It has ended, or does not finish a message.
            ValueError: It has sent something else. The code of a model may write to the socket.
        """
        try:
            if not self._connection.poll(timeout_s):
                return None
            message = json.loads(self._connection.recv_bytes())
        except OSError as error:
            raise EOFError from error
        if not isinstance(message, dict):
            raise ValueError(f"{type(message).__name__} instead of a message")  # noqa: TRY004 - as of JSON
        return message

    @staticmethod
    def counts_of(message: Mapping[str, Any]) -> tuple[int, int, int]:
        """The counts of a message that has them: of answers written, failed, and not logged.

        Raises:
            ValueError: They are something else.
        """
        match message["counts"]:
            case [int(written), int(failed), int(not_logged)] if (
                min(written, failed, not_logged) >= 0
            ):
                return written, failed, not_logged
        raise ValueError("counts that are no numbers of answers")

    def limit_cpu(self) -> None:
        """Stop it or let it go on, by the CPU time that it has taken. Called often.

        `ran_s` grows by the time in which it was not stopped.
        """
        now = time.monotonic()
        if not self._stopped:
            self.ran_s += now - self._checked
        self._checked = now
        used = _cpu_s(self.pid)
        if used is None:
            return
        stop = not self._budget.allows(used, now)
        if stop != self._stopped:
            self._process.send_signal(signal.SIGSTOP if stop else signal.SIGCONT)
            self._stopped = stop

    def ask_to_end(self) -> None:
        """Ask it to end when its answers are written, without a limit of its CPU time."""
        self._process.send_signal(signal.SIGCONT)
        with suppress(OSError):  # it has ended
            self._connection.send_bytes(b"")

    def kill(self) -> None:
        """End it at once. May be called by any thread."""
        self._process.kill()


def _cpu_s(pid: int) -> float | None:
    """CPU time of a process in seconds; None if it has ended, or without such a clock."""
    if sys.platform != "linux":
        return None
    try:
        # clock_getcpuclockid(3), which Python has not; the number is part of Linux's interface.
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None
