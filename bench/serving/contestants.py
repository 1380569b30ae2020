"""What is measured: every way to answer a service's requests, as a command and its requests."""

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wrk import Request

ROOT: Final = Path(__file__).resolve().parents[2]
SERVERS: Final = Path(__file__).resolve().parent / "servers"

OURS: Final = "this service"
EMPTY: Final = "empty FastAPI endpoint"
ANCESTOR: Final = "the ancestor's design"
OWN: Final = (OURS, EMPTY, ANCESTOR)

# Not by name: variables of the caller that would change how servers work.
_KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True)
class Target:
    """A request of a contestant, and what every answer to it must have.

    Attributes:
        workload: Name of the workload.
        request: The request.
        expected: Values by their dotted paths in the answer.
        tolerance: Largest difference of a number.
        connections: Numbers of connections to measure at.
        seconds: Seconds to measure at each; None for the seconds of the command line.
    """

    workload: str
    request: Request
    expected: Mapping[str, Any]
    tolerance: float
    connections: tuple[int, ...]
    seconds: int | None


@dataclass(frozen=True)
class Contestant:
    """A server that is measured.

    Attributes:
        service: Folder name of the service whose requests it answers.
        name: What it is, in words.
        command: Its command; ``{port}`` is replaced.
        environment: Environment variables; ``{port}`` is replaced.
        targets: Its requests.
        folder: Its working directory.
    """

    service: str
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    targets: Sequence[Target]
    folder: Path


@dataclass(frozen=True)
class Service:
    """A service that was trained for the benchmark.

    Attributes:
        folder: Its folder.
        work: The folder that it was trained in.
        described: What ``servers/prepare.py`` wrote.
    """

    folder: Path
    work: Path
    described: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path, work: Path) -> "Service":
        """Read what ``servers/prepare.py`` wrote."""
        return cls(folder, work, json.loads((work / "workloads.json").read_text("utf-8")))

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def python(self) -> str:
        """The interpreter of its environment."""
        return str(self.folder / ".venv" / "bin" / "python")

    def environment(self, **more: str) -> dict[str, str]:
        """Environment variables of a server that answers this service's requests."""
        return base_environment() | {
            "BENCH_SERVICE": str(self.folder),
            "BENCH_WORK": str(self.work),
            "BENCH_PORT": "{port}",
            "PYTHONPATH": f"{SERVERS.parent}:{SERVERS}",
            **more,
        }

    def targets(
        self, workloads: Sequence[Mapping[str, Any]], headers: Mapping[str, str]
    ) -> list[Target]:
        """The requests of workloads, as this service takes them."""
        return [
            Target(
                workload=one["name"],
                request=Request(one["method"], one["path"], one["body"], headers),
                expected=one["expected"],
                tolerance=one["tolerance"],
                connections=tuple(one["connections"]),
                seconds=one["seconds"],
            )
            for one in workloads
        ]


def base_environment() -> dict[str, str]:
    """The caller's variables that every server gets."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONUNBUFFERED": "1"}


def own(service: Service) -> Iterator[Contestant]:
    """The service as in production, the empty endpoint, and the ancestor's design."""
    workloads = service.described["workloads"]
    key = secrets.token_hex(32)
    production = {
        **service.described["settings"],
        "APP_ENV": "production",
        "API_KEYS": key,
        "PORT": "{port}",
        "DRAIN_S": "1",
    }
    # A process for each sealed model.
    for settings in (dict(pairs) for pairs in dict.fromkeys(map(_own_settings, workloads))):
        yield Contestant(
            service.name,
            OURS,
            [service.python, "-m", service.described["package"], "serve"],
            base_environment() | production | settings,
            service.targets(
                [one for one in workloads if one["settings"] == settings], {"X-API-Key": key}
            ),
            service.work,
        )
    first: dict[str, Mapping[str, Any]] = {}
    for one in workloads:
        first.setdefault(one["path"].partition("?")[0], one)
    yield Contestant(
        service.name,
        EMPTY,
        [service.python, str(SERVERS / "empty.py")],
        service.environment(),
        service.targets(list(first.values()), {}),
        service.work,
    )
    had = [one for one in workloads if one["has_ancestor"]]
    if had:
        yield Contestant(
            service.name,
            ANCESTOR,
            [service.python, str(SERVERS / "ancestor.py")],
            service.environment(),
            service.targets(had, {}),
            service.work,
        )


def _own_settings(workload: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(workload["settings"].items())
