"""Records of the services that ``make up`` started, for ``make down`` and the smoke test.

A process writes its record before it becomes the service, so that every running service has one,
even if ``make up`` is killed.
"""

import contextlib
import fcntl
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from processes import start_time

__all__ = ["Running", "exclusive", "known", "write"]


@dataclass(frozen=True)
class Running:
    """A started process.

    Attributes:
        pid: Number of the process.
        started: Start time, as `processes.start_time` returns it.
        package: Package of the service.
        sha256: Digest of its model.
        port: TCP port on 127.0.0.1; None until the service listens.
    """

    pid: int
    started: str
    package: str
    sha256: str
    port: int | None = None

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return start_time(self.pid) == self.started

    @property
    def url(self) -> str:
        """Address of the service."""
        return f"http://127.0.0.1:{self.port}"


def write(folder: Path, name: str, one: Running) -> None:
    """Write the record of a service."""
    partial = folder / f".{name}.part"
    partial.write_text(json.dumps(asdict(one)), encoding="utf-8")
    partial.replace(folder / f"{name}.json")


def known(folder: Path) -> dict[str, Running]:
    """The recorded processes by the names of their services; they may have ended.

    Raises:
        SystemExit: A file is not a valid record, for example from another version.
    """
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            found[file.stem] = Running(**json.loads(file.read_text(encoding="utf-8")))
        except (TypeError, ValueError):
            sys.exit(
                f"{file} is not a valid record of make up: end its process, and delete the file"
            )
    return found


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Lock out other runs of ``make up`` and ``make down``; the lock ends with the process.

    Raises:
        SystemExit: Another run has the lock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit("Another make up or make down is running: wait until it has ended")
        yield
