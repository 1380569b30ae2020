"""A repository uses one series of a distribution.

Forbidden: two files that pin the same distribution for the same environment to different series, or
to ranges of one series that have no version in common. Every requirements file, constraints file
and pyproject.toml counts, of services, libraries and tools alike.

Why: what one service was tested with says nothing of another series. A library that two services
share would have to work with both, an upgrade that is finished in one place looks finished
everywhere, and no environment can hold both.

Instead: agree on one series. The message stands where the fewer files are. Where services have to
differ for a while, name the exception in pins.toml, with its path, the reason and its last day.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from pinproof.environments import environments_of
from pinproof.policy import DEV, PROD, Policy
from pinproof.repository import Repository
from pinproof.requirements import Kind, Line
from pinproof.violations import Violation

CODE = "PIN006"


@dataclass(frozen=True, slots=True)
class _Pin:
    """One `~=` that a line holds."""

    line: Line
    specifier: Specifier

    @property
    def series(self) -> tuple[int, ...]:
        """What all its versions begin with."""
        return _series(self.specifier)


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every pin that disagrees with what most files pin for the same environment."""
    by_name: defaultdict[str, list[_Pin]] = defaultdict(list)
    for line in repository.lines():
        if line.kind is Kind.REQUIREMENT and line.requirement is not None:
            specifiers = list(line.requirement.specifier)
            if [specifier.operator for specifier in specifiers] == ["~="]:
                by_name[str(line.name)].append(_Pin(line, specifiers[0]))
    for name, pins in by_name.items():
        # Equal texts, as nearly all are, need no range algebra.
        if len({str(pin.specifier) for pin in pins}) > 1:
            yield from _disagreements(name, pins, repository.policy)


def _disagreements(name: str, pins: list[_Pin], policy: Policy) -> Iterator[Violation]:
    # What an exception speaks of does not lead, or the message would stand in all other files.
    leading = [pin for pin in pins if not _is_excepted(name, pin.line.path, policy)]
    leaders = _leaders(leading or pins, policy)
    for pin in pins:
        environments = _environments(pin, policy) & leaders.keys()
        others = {leaders[environment] for environment in environments}
        conflicts = [other for other in others if not _agree(pin.specifier, other.specifier)]
        conflicts = [other for other in conflicts if not _told_elsewhere(pin.line, other.line)]
        if conflicts:
            other = min(conflicts, key=_place)
            message = (
                f"{name}{pin.specifier} is not the series of {other.line.path}:"
                f"{other.line.number}, {name}{other.specifier}: agree on one"
            )
            yield Violation(pin.line.path, pin.line.number, CODE, message, name)


def _leaders(pins: list[_Pin], policy: Policy) -> Mapping[int, _Pin]:
    """For each environment the first pin of the series that most lines pin there."""
    by_environment: defaultdict[int, list[_Pin]] = defaultdict(list)
    for pin in pins:
        for environment in _environments(pin, policy):
            by_environment[environment].append(pin)
    leaders = {}
    for environment, applying in by_environment.items():
        ((series, _),) = Counter(pin.series for pin in applying).most_common(1)
        leaders[environment] = next(pin for pin in applying if pin.series == series)
    return leaders


def _is_excepted(name: str, path: str, policy: Policy) -> bool:
    return any(exception.covers(CODE, name, path) for exception in policy.exceptions)


def _environments(pin: _Pin, policy: Policy) -> frozenset[int]:
    return environments_of(pin.line.marker, policy.pythons, policy.platforms)


def _told_elsewhere(one: Line, other: Line) -> bool:
    """Whether PIN004 speaks of the two, being in one file, or PIN005, as production and more."""
    paths = [PurePosixPath(line.path) for line in (one, other)]
    names = {path.name for path in paths}
    return paths[0].parent == paths[1].parent and (len(names) == 1 or names == {PROD, DEV})


def _place(pin: _Pin) -> tuple[str, int]:
    return pin.line.path, pin.line.number


@cache
def _series(pin: Specifier) -> tuple[int, ...]:
    version = Version(pin.version)
    return (version.epoch, *version.release[:-1])


@cache
def _agree(one: Specifier, other: Specifier) -> bool:
    """Whether one series holds the other, and both have a version in common."""
    shorter, longer = sorted((_series(one), _series(other)), key=len)
    if longer[: len(shorter)] != shorter:
        return False
    ranges = (SpecifierSet(str(pin), prereleases=True) for pin in (one, other))
    return not next(ranges).is_disjoint(next(ranges))
