"""What ``make up`` has started: one file for each service, which ``down`` and the smoke test read.

A service's process writes its own file before it becomes the service: whatever ends ``make up``,
and whenever, no service runs that no file names.
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
    """A process that was started.

    Attributes:
        pid: Its number.
        started: When it started, as `processes.start_time` returns it.
        package: The service's package.
        sha256: The digest of the model that it was given.
        port: Where it listens on 127.0.0.1; None until it does.
    """

    pid: int
    started: str
    package: str
    sha256: str
    port: int | None = None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return start_time(self.pid) == self.started

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


def write(folder: Path, name: str, one: Running) -> None:
    """Record a process under the name of its service."""
    partial = folder / f".{name}.part"
    partial.write_text(json.dumps(asdict(one)), encoding="utf-8")
    partial.replace(folder / f"{name}.json")


def known(folder: Path) -> dict[str, Running]:
    """The recorded processes by the name of their service; they may have ended since.

    Raises:
        SystemExit: A file is no record, such as one of another version of this program.
    """
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            found[file.stem] = Running(**json.loads(file.read_text(encoding="utf-8")))
        except (TypeError, ValueError):
            sys.exit(
                f"{file} is no record of make up: end the process that it names, and delete it"
            )
    return found


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep a second ``make up`` or ``make down`` out; the lock ends with the process.

    Raises:
        SystemExit: Another one is at work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit("Another make up or make down is at work: wait until it has ended")
        yield
