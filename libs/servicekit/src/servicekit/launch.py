"""Starts a service as a process, for tests, demonstrations, benchmarks and deployment checks.

It uses the standard library only, so that programs without an environment can use it too.
"""

import json
import os
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any, Final, Self

WAIT_S: Final = 60.0

_DEFAULTS: Final = {"HOST": "127.0.0.1", "PORT": "0", "DRAIN_S": "0", "LOG_LEVEL": "info"}


def wait_until(
    holds: Callable[[], bool], what: str, *, poll_s: float = 0.01, timeout_s: float = WAIT_S
) -> None:
    """Wait until a condition holds, for up to a minute because the machine may be busy.

    Args:
        holds: The condition.
        what: The condition in words, for the error.
        poll_s: Seconds between two looks.
        timeout_s: Seconds to wait.

    Raises:
        AssertionError: It does not hold in time.
    """
    until = monotonic() + timeout_s
    while not holds():
        if monotonic() > until:
            raise AssertionError(f"waited {timeout_s:g} s in vain until {what}")
        sleep(poll_s)


class NotListeningError(Exception):
    """The service ended before it listened; the message is its standard error."""


class NotReadyInTimeError(Exception):
    """The service ended, refused its model, or was not ready within a minute."""


class ServiceProcess:
    """A service in a process of its own. It starts on entry, once it listens, and ends on exit.

    It listens on a port that the system chooses (``PORT=0``) and that its log reports: no other
    process can take the port in between.

    Args:
        command: The command, such as ``[python, "-m", "orders", "serve"]``.
        settings: Settings of the service by their names, in capitals or not. It listens on a free
            port of the loopback interface and does not drain unless they say otherwise.
            ``LOG_LEVEL`` must be ``info`` or ``debug``.
        environment: Environment variables besides the settings; those of this process by default.
        log: File for the log; a temporary one by default.

    Attributes:
        process: The process.
        port: The port that it listens on.
        errors: Its standard error, once it has ended.
    """

    process: "subprocess.Popen[bytes]"

    def __init__(
        self,
        command: Sequence[str | Path],
        settings: Mapping[str, object],
        *,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self._command = command
        self._environment = {
            **(os.environ if environment is None else environment),
            **_DEFAULTS,
            **{name.upper(): str(value) for name, value in settings.items()},
        }
        self._log_path = log
        self._log: IO[bytes]
        self._ended_log = b""
        self._stderr: IO[bytes]
        self.port = 0
        self.errors = ""

    def __enter__(self) -> Self:
        """Start the process and wait until it listens.

        Raises:
            NotListeningError: It ended before.
        """
        # A file rather than a pipe: nobody has to empty it while the service works.
        self._log = self._log_path.open("w+b") if self._log_path else tempfile.TemporaryFile()
        self._stderr = tempfile.TemporaryFile()
        self.process = subprocess.Popen(  # noqa: S603 - the command that the caller gives
            self._command, env=self._environment, stdout=self._log, stderr=self._stderr
        )
        try:
            wait_until(self._listens_or_ended, "it listens")
        finally:
            if not self.port:
                self.end()
        if not self.port:
            raise NotListeningError(self.errors)
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill the process if it still runs."""
        self.end()

    @property
    def url(self) -> str:
        """The address that it answers on."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        data = self._ended_log if self._log.closed else self._read_log()
        return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        return [line for line in self.lines if line["event"] == event]

    def wait_until_ready(self) -> None:
        """Wait until ``/ready`` answers 200.

        Raises:
            NotReadyInTimeError: The service ended, refused its model, or was not ready within a
                minute.
        """
        answer = "no answer"

        def is_ready() -> bool:
            nonlocal answer
            if self.process.poll() is not None:
                raise NotReadyInTimeError(
                    f"The service ended with {self.process.returncode} before it was ready."
                )
            try:
                with urllib.request.urlopen(f"{self.url}/ready", timeout=WAIT_S):  # noqa: S310
                    return True
            except urllib.error.HTTPError as error:
                with error:
                    answer = error.read().decode()
                if '"refusal"' in answer:  # a refused model stays refused
                    raise NotReadyInTimeError(f"The model was refused: {answer}") from None
                return False

        try:
            wait_until(is_ready, "it is ready")
        except AssertionError as error:
            raise NotReadyInTimeError(f"The service was not ready in time: {answer}") from error

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait until it ends; its exit code."""
        return self.process.wait(WAIT_S)

    def stop(self) -> int:
        """Send SIGTERM and wait until it ends; its exit code."""
        self.signal()
        return self.wait()

    def end(self) -> None:
        """Kill the process if it still runs, and read its standard error."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if not self._log.closed:
            self._ended_log = self._read_log()
            self._log.close()
            self._stderr.seek(0)
            self.errors = self._stderr.read().decode(errors="replace")
            self._stderr.close()

    def _listens_or_ended(self) -> bool:
        for line in self.logged("listening"):
            self.port = line["port"]
        return self.port != 0 or self.process.poll() is not None

    def _read_log(self) -> bytes:
        # A positioned read: the service writes at the offset of the same open file.
        return os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0)
