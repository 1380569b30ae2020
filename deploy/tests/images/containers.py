"""Containers that run as pods do: hardened, one at a time, and gone when their context ends."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx2

__all__ = ["HARDENED", "Container", "Mount", "free_port", "podman", "run", "selected", "wait_until"]

PATIENCE_S = 60.0

# What the restricted profile of pod security asks for, and a root file system that cannot change.
HARDENED = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--user=10001:10001",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--tmpfs=/tmp:rw,noexec,nosuid,nodev,size=64m,mode=1777",
    "--network=host",
    "--log-driver=k8s-file",
)

Mount = tuple[Path | str, str, str]
"""What is mounted (a folder, or the name of a volume), where, and with which options."""


def podman(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run podman, and give what it printed."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"podman {' '.join(arguments)}: {done.stderr}"
    return done


def run(
    image: str,
    *arguments: str,
    entrypoint: str | None = None,
    mounts: Sequence[Mount] = (),
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a hardened container to its end."""
    command = ["run", "--rm", *HARDENED, *_options(mounts, environment or {}), *options]
    if entrypoint is not None:
        command.append(f"--entrypoint={entrypoint}")
    return podman(*command, image, *arguments, check=False)


class Container:
    """A hardened container in the background, from entry to exit.

    Args:
        image: Its image.
        arguments: What follows the entry point; nothing for the image's own command.
        environment: Environment variables; a service gets a free port on loopback besides.
        mounts: What is mounted.
        memory: The limit.
        options: More options of podman.

    Attributes:
        port: Where a service listens.
        client: An HTTP client for it.
    """

    def __init__(
        self,
        image: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        mounts: Sequence[Mount] = (),
        memory: str = "512m",
        options: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self.name = f"test-{uuid4().hex[:12]}"
        settings = {"HOST": "127.0.0.1", "PORT": str(self.port), **(environment or {})}
        limits = (f"--memory={memory}", f"--memory-swap={memory}")
        self._command = [
            *("run", "--detach", f"--name={self.name}", *HARDENED, *limits),
            *(*_options(mounts, settings), *options, image, *arguments),
        ]
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE_S)

    def __enter__(self) -> Self:
        podman(*self._command)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()
        podman("rm", "--force", "--time=0", self.name, check=False)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(podman("inspect", self.name).stdout)[0]["State"]
        return state

    def running(self) -> bool:
        return bool(self.state()["Running"])

    def signal(self, number: signal.Signals) -> None:
        podman("kill", f"--signal={number.name}", self.name)

    def exit_code(self) -> int:
        """How it ended, once it has."""
        wait_until(lambda: not self.running(), f"{self.name} ends")
        code: int = self.state()["ExitCode"]
        return code

    def logs(self) -> str:
        done = podman("logs", self.name)
        return done.stdout + done.stderr

    def inside(self, code: str) -> str:
        """The output of a Python program in the container of the service."""
        return podman("exec", self.name, "python", "-c", code).stdout.strip()

    def cpu_seconds(self) -> float:
        """What the service has worked so far, which other work on the machine does not lengthen."""
        code = (
            "import os\n"
            "fields = open('/proc/1/stat').read().rpartition(')')[2].split()\n"
            "print((int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK'))"
        )
        return float(self.inside(code))

    def peak_megabytes(self) -> int:
        """The most memory that the service has had so far."""
        status = self.inside("print(open('/proc/1/status').read())")
        (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return round(int(peak.split()[1]) * 1024 / 1e6)

    def status(self, path: str) -> int:
        """The status of an answer; 0 while nothing listens."""
        try:
            return self.client.get(path).status_code
        except httpx2.TransportError:
            return 0

    def wait_for_log(self, text: str) -> None:
        wait_until(lambda: text in self.logs(), f"{self.name} logs {text!r}")

    def wait_for(self, path: str, status: int) -> None:
        def answers() -> bool:
            assert self.running(), f"{self.name} ended: {self.logs()}"
            return self.status(path) == status

        wait_until(answers, f"{path} of {self.name} answers {status}")


def wait_until(holds: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until something holds; generously, because the machine may be busy."""
    until = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < until, f"waited {patience_s:g} s in vain until {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _options(mounts: Sequence[Mount], environment: Mapping[str, str]) -> list[str]:
    volumes = [f"--volume={source}:{target}:{options}" for source, target, options in mounts]
    return volumes + [f"--env={name}={value}" for name, value in environment.items()]


def selected() -> list[str]:
    """The services whose images are tested: those that make built."""
    return os.environ.get("IMAGES", "").split()
