"""Commands that run on Spark, each in a process of its own, for tests."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from servicekit.launch import wait_until
from servicekit.spark.check import missing_for_spark

MISSING: Final = missing_for_spark(install="make spark-env-NAME", instead="another engine")

needs_spark: Final = pytest.mark.skipif(MISSING is not None, reason=MISSING or "Spark is there")

needs_proc: Final = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="the processes of a run are found in /proc"
)

TWO_EXECUTORS: Final = "local-cluster[2,1,1024]"

ENVIRONMENT: Final = {
    "SPARK_LOCAL_IP": "127.0.0.1",
    # The job of a test is over before thorough compiling pays: without, it takes 40 % less.
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}

_MARK: Final = "SPARK_RUN_OF_A_TEST"
_WAIT_S: Final = 600


class SparkRun:
    """A command with ``--engine pyspark`` in a process of its own.

    The processes that it starts, directly or not, are known by a variable of their environment.

    Args:
        package: The package to run.
        arguments: The command's arguments.
        master: URL of the Spark master.
        settings: Further Spark settings.
    """

    def __init__(
        self,
        package: str,
        arguments: Sequence[str],
        *,
        master: str = TWO_EXECUTORS,
        settings: Sequence[str] = (),
    ) -> None:
        self._mark = f"{_MARK}={uuid.uuid4().hex}".encode()
        name, _, value = self._mark.decode().partition("=")
        more = ("--engine", "pyspark", "--master", master)
        self.process = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", package, *arguments, *more),
                *(word for setting in settings for word in ("--spark", setting)),
            ],
            env={**os.environ, **ENVIRONMENT, name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self) -> tuple[int, str, str]:
        """Wait for the command: its exit code, its output and its errors."""
        out, errors = self.process.communicate(timeout=_WAIT_S)
        return self.process.returncode, out, errors

    def find(self, part: str) -> list[int]:
        """The processes of this run whose command line has a part."""
        return [pid for pid in self._processes() if part.encode() in _read(pid, "cmdline")]

    def wait_for(self, part: str) -> int:
        """Wait for a process of this run whose command line has a part."""

        def is_there() -> bool:
            assert self.process.poll() is None, self.finish()
            return bool(self.find(part))

        wait_until(is_there, f"{part} runs", timeout_s=_WAIT_S)
        return self.find(part)[0]

    def wait_for_the_end_of_all(self) -> None:
        """Wait until no process of this run is left."""
        wait_until(lambda: not self._processes(), "all processes have ended", timeout_s=60)

    def kill(self) -> None:
        """Kill every process of this run that is left."""
        for pid in self._processes():
            os.kill(pid, signal.SIGKILL)
        self.process.communicate()

    def _processes(self) -> list[int]:
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if self._mark in _read(pid, "environ").split(b"\0")]


def executors_of(place: Path) -> set[str]:
    """The executors that finished tasks, by Spark's log of events in a folder."""
    ended = _events(place, "SparkListenerTaskEnd")
    return {one["Task Info"]["Executor ID"] for one in ended if not one["Task Info"]["Failed"]}


def lost_executors(place: Path) -> set[str]:
    """The executors that Spark lost, by its log of events in a folder."""
    return {one["Executor ID"] for one in _events(place, "SparkListenerExecutorRemoved")}


def _events(place: Path, kind: str) -> list[dict[str, Any]]:
    [log] = (place / "events").iterdir()
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["Event"] == kind]


def logged_in(place: Path) -> list[str]:
    """Settings by which Spark logs its events in a folder."""
    events = place / "events"
    events.mkdir()
    return [
        "spark.eventLog.enabled=true",
        f"spark.eventLog.dir=file://{events}",
        "spark.eventLog.compress=false",
        "spark.eventLog.rolling.enabled=false",
    ]


def _read(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:  # it has ended, or belongs to another user
        return b""
