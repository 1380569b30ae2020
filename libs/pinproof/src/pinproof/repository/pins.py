"""The pins of a repository or of one file, grouped by what is installed together."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pinproof.errors import PinproofError
from pinproof.repository.policy import Policy, find_root, load_policy
from pinproof.repository.reader import is_manifest, load_file, load_repository
from pinproof.repository.requirements import Line, LineKind, Spelling


class UnusablePinsError(PinproofError):
    """There are no pins, or some cannot be read."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A requirement and its place.

    Attributes:
        requirement: The requirement.
        path: The file.
        line: The line number, from 1.
    """

    requirement: Requirement
    path: str
    line: int

    @property
    def name(self) -> str:
        """The distribution in PEP 503 form."""
        return canonicalize_name(self.requirement.name)

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.path}:{self.line}"

    def __str__(self) -> str:
        """The name and the specifier as written."""
        return f"{self.requirement.name}{self.requirement.specifier}"


@dataclass(frozen=True, slots=True)
class Scope:
    """The pins that are installed together.

    Attributes:
        path: The requirements file.
        policy_path: The path of the file relative to the policy.
        pins: The requirements of the file and its includes.
        limits: The requirements of its constraints files.
    """

    path: str
    policy_path: str
    pins: tuple[Pin, ...]
    limits: tuple[Pin, ...] = ()


@dataclass(frozen=True, slots=True)
class Pins:
    """The pins of a repository or of one file.

    Attributes:
        policy: The policy.
        scopes: The groups that are installed together.
        direct: The places of direct references, which no index has.
        whole: Whether this is the whole repository rather than one file.
    """

    policy: Policy
    scopes: tuple[Scope, ...]
    direct: tuple[str, ...]
    whole: bool

    def all(self) -> tuple[Pin, ...]:
        """All pins and limits without duplicates, by file and line."""
        every = {pin for scope in self.scopes for pin in (*scope.pins, *scope.limits)}
        return tuple(sorted(every, key=lambda pin: (pin.path, pin.line, pin.name)))


def read_pins(target: Path) -> Pins:
    """Read the pins of a repository or of one requirements file.

    The policy of a repository is at its root; the policy of a file is the nearest in its folder or
    above. Paths are relative to the root, or to the working folder.

    Raises:
        UnusablePinsError: There are no pins, or some cannot be read.
        PolicyError: `pins.toml` cannot be used.
    """
    if target.is_file():
        home = find_root(target.absolute())
        policy = load_policy(home) if home else Policy()
        pins = Pins(policy, *_collect([_read_file(target, Path(), home)]), whole=False)
    elif target.is_dir():
        pins = Pins(load_policy(target), *_collect(_read_repository(target)), whole=True)
    else:
        raise UnusablePinsError(
            f"{target} does not exist.", remedy="Name a repository or a requirements file."
        )
    if not pins.scopes:
        raise UnusablePinsError(
            f"{target} contains no requirement.", remedy="Name a repository or a requirements file."
        )
    return pins


def _collect(read: "list[_Read]") -> tuple[tuple[Scope, ...], tuple[str, ...]]:
    scopes = tuple(one.scope for one in read if one.scope.pins)
    return scopes, tuple(dict.fromkeys(place for one in read for place in one.direct))


@dataclass(frozen=True, slots=True)
class _Read:
    scope: Scope
    direct: tuple[str, ...]
    included: frozenset[str] = frozenset()


def _read_file(target: Path, root: Path, home: Path | None) -> _Read:
    """Read a requirements file with its includes and constraints.

    Args:
        target: The file.
        root: The folder that paths in messages are relative to.
        home: The folder of the policy, if there is one.
    """
    repository = load_file(target)
    top = target.absolute().as_posix().removeprefix("/")

    def shown(path: str) -> str:
        return _relative(path, root)

    _refuse(repository.problems(shown))
    included = repository.reachable(top)
    pins: list[Pin] = []
    limits: list[Pin] = []
    direct = []
    for line in repository.lines():
        if line.kind is LineKind.DIRECT:
            direct.append(f"{shown(line.path)}:{line.number}")
        elif line.requirement is not None:
            pin = Pin(line.requirement, shown(line.path), line.number)
            (pins if line.path in included else limits).append(pin)
    scope = Scope(shown(top), _relative(top, home or root), tuple(pins), tuple(limits))
    return _Read(scope, tuple(direct), frozenset(map(shown, repository.files)) - {scope.path})


def _relative(path: str, folder: Path) -> str:
    return PurePosixPath(os.path.relpath(f"/{path}", folder.absolute())).as_posix()


def _read_repository(root: Path) -> list[_Read]:
    """Read each requirements file that no other includes, and each list of a manifest."""
    repository = load_repository(root)
    _refuse(repository.problems())
    read: list[_Read] = []
    for path, lines in repository.files.items():
        if is_manifest(path):
            read += _sections(path, lines)
        else:
            read.append(_read_file(root / path, root, root))
    included = frozenset[str]().union(*(one.included for one in read))
    return [one for one in read if one.scope.path not in included]


def _sections(path: str, lines: tuple[Line, ...]) -> Iterator[_Read]:
    for _, members in groupby(lines, key=lambda line: line.section):
        section = tuple(members)
        pins = tuple(
            Pin(line.requirement, path, line.number)
            for line in section
            if line.kind is LineKind.REQUIREMENT
            and line.requirement is not None
            # The channels of conda are no index of distributions.
            and line.spelling not in (Spelling.CONDA, Spelling.CONDA_TABLE)
        )
        direct = tuple(f"{path}:{line.number}" for line in section if line.kind is LineKind.DIRECT)
        yield _Read(Scope(path, path, pins), direct)


def _refuse(problems: list[str]) -> None:
    if problems:
        raise UnusablePinsError(
            "\n".join(problems) + ".", remedy="Correct this; `pinproof check` explains more."
        )
