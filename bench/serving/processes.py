"""A server as a tree of processes: started on one core, measured as a whole, and ended as a whole.

Works on Linux only: it reads ``/proc``.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Self

TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
END_S: Final = 15.0
SETTLE_S: Final = 3.0
_POLL_S: Final = 0.05
_IDLE_S: Final = 0.2
_IDLE_SHARE: Final = 0.2
"""A server that takes less of a core is idle."""


class ServerEndedError(Exception):
    """The server ended by itself; the message has its exit code and the end of its log."""


class CommandFailedError(Exception):
    """A command did not end with 0; the message has the end of its output."""


@dataclass(frozen=True)
class Process:
    """What ``/proc/PID/stat`` says of a process.

    Attributes:
        pid: Its number.
        parent: The number of its parent.
        session: The number of its session.
        cpu_ticks: CPU time of it and of its children that ended, in ticks.
        started: When it started, in ticks. With the number, it identifies a process.
        ended: Whether it has ended and waits for its parent.
    """

    pid: int
    parent: int
    session: int
    cpu_ticks: int
    started: int
    ended: bool


def exit_on_signals() -> None:
    """Make SIGINT and SIGTERM end this process by an exception, so that its servers are ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _exit)


def _exit(number: int, _frame: object) -> None:
    # A second signal would interrupt the ending of the servers.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    sys.exit(128 + number)


@contextlib.contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """Run this process on one core until the block is left; None for the cores that it has."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, own if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def parse_stat(text: str) -> Process:
    """Parse ``/proc/PID/stat``."""
    # The name is in parentheses and may contain blanks and parentheses.
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Process(
        pid=int(head.split(" ", 1)[0]),
        parent=int(fields[1]),
        session=int(fields[3]),
        cpu_ticks=sum(map(int, fields[11:15])),
        started=int(fields[19]),
        ended=fields[0] in "ZX",
    )


def parse_pss(text: str) -> int:
    """The proportional set size in ``/proc/PID/smaps_rollup``, in bytes."""
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def running() -> list[Process]:
    """All processes of the machine."""
    return [
        parse_stat(text)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and (text := _read(entry / "stat"))
    ]


def tree(root: int, processes: Sequence[Process]) -> list[Process]:
    """A process and its descendants, and what is left in their sessions by parents that ended.

    Args:
        root: Number of the first process, which leads a session.
        processes: All processes.
    """
    members = {root}
    sessions = {root}
    grown = True
    while grown:
        before = len(members)
        for one in processes:
            if one.parent in members or one.session in sessions:
                members.add(one.pid)
                if one.session == one.pid:
                    sessions.add(one.pid)
        grown = len(members) > before
    return [one for one in processes if one.pid in members]


class Server:
    """A server and all processes that it starts. It starts on entry and ends on exit.

    Args:
        command: The command.
        environment: All of its environment variables.
        core: The core that all of its processes run on; None for the caller's cores.
        log: File for standard output and standard error.
        folder: Its working directory.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        core: int | None,
        log: Path,
        folder: Path,
    ) -> None:
        self._command = command
        self._environment = environment
        self._core = core
        self._log_path = log
        self._log: IO[bytes]
        self._folder = folder
        self._process: subprocess.Popen[bytes]
        self._seen: dict[int, Process] = {}

    def __enter__(self) -> Self:
        """Start it."""
        self._log = self._log_path.open("wb")
        # Inherited by every process that it starts.
        with on_core(self._core):
            self._process = subprocess.Popen(  # noqa: S603 - the command that the caller gives
                self._command,
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_error: object) -> None:
        """End all of its processes."""
        self.end()

    def members(self) -> list[Process]:
        """Its processes that live."""
        return [one for one in self._tree() if not one.ended]

    def cpu_seconds(self) -> float:
        """The CPU time of all of its processes so far."""
        return sum(one.cpu_ticks for one in self._tree()) / TICKS_PER_S

    def settle(self) -> None:
        """Wait until it is idle: requests that were given up are worked on for a while.

        Gives up after SETTLE_S, because some servers are never idle.
        """
        until = time.monotonic() + SETTLE_S
        before = self.cpu_seconds()
        while time.monotonic() < until:
            time.sleep(_IDLE_S)
            now = self.cpu_seconds()
            if now - before < _IDLE_S * _IDLE_SHARE:
                return
            before = now

    def memory_bytes(self) -> int:
        """The memory of its processes; what several share counts once."""
        return sum(
            parse_pss(_read(Path(f"/proc/{one.pid}/smaps_rollup"))) for one in self.members()
        )

    def check_alive(self) -> None:
        """Raise an error if it has ended.

        Raises:
            ServerEndedError: It has.
        """
        self.members()
        code = self._process.poll()
        if code is not None:
            raise ServerEndedError(f"ended with {code}: {self.log_end()}")

    def log_end(self, characters: int = 300) -> str:
        """The end of its log, in one line."""
        text = self._log_path.read_text("utf-8", errors="replace")
        return " ".join(text.split())[-characters:]

    def wait(self) -> int:
        """Wait until it ends by itself; its exit code."""
        while self._process.poll() is None:
            self.members()
            time.sleep(_POLL_S)
        return self._process.returncode

    def end(self) -> None:
        """Ask it to end, and kill what is left after END_S."""
        self.members()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        until = time.monotonic() + END_S
        while self._process.poll() is None and time.monotonic() < until:
            self.members()
            time.sleep(_POLL_S)
        while left := self._left():
            for one in left:
                _kill(one.pid)
            self._process.poll()
            time.sleep(_POLL_S)
        self._process.wait()
        self._log.close()

    def _tree(self) -> list[Process]:
        """Its processes, also those that have ended and wait for their parents."""
        found = tree(self._process.pid, running())
        self._seen |= {one.pid: one for one in found if not one.ended}
        return found

    def _left(self) -> list[Process]:
        """Its processes that live, also those whose parents have ended."""
        self.members()
        return [
            one
            for one in running()
            if not one.ended
            and (seen := self._seen.get(one.pid)) is not None
            and seen.started == one.started
        ]


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    core: int | None,
    log: Path,
    folder: Path,
) -> str:
    """Run a command with all processes that it starts; an interrupt ends them.

    Args:
        command: The command.
        environment: All of its environment variables.
        core: The core that it runs on; None for the caller's cores.
        log: File for its output.
        folder: Its working directory.

    Returns:
        Its output.

    Raises:
        CommandFailedError: It did not end with 0.
    """
    with Server(command, environment, core=core, log=log, folder=folder) as server:
        code = server.wait()
        if code:
            raise CommandFailedError(f"ended with {code}: {server.log_end(1000)}")
    return log.read_text("utf-8", errors="replace")


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended in between
        os.kill(pid, signal.SIGKILL)


def _read(path: Path) -> str:
    """The text of a file of a process; empty if the process has ended."""
    try:
        return path.read_text("utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
