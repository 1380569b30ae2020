"""A repository uses one series of a distribution.

Forbidden: two files that pin the same distribution for the same environment to different series, or
to ranges of one series that have no version in common. Every requirements file, constraints file
and pyproject.toml counts, of services, libraries and tools alike.

Why: the tests of one service prove nothing about another series. A library that two services share
would have to work with both, an upgrade that is finished in one place looks finished everywhere,
and no environment can contain both.

Instead: use one series. The violation is reported for the smaller group of files. If services must
differ for a while, add an exception with a reason and an expiry date: to the service's file, or to
pins.toml with its path.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from pinproof.repository.marker_environments import matching_environments
from pinproof.repository.policy import DEV, PROD, Policy
from pinproof.repository.reader import Repository
from pinproof.repository.requirements import Line, LineKind
from pinproof.violations import Violation

CODE = "PIN006"


@dataclass(frozen=True, slots=True)
class _Pin:
    """The lines with the same pin and marker of a distribution.

    Attributes:
        specifier: The `~=`.
        series: The segments that all its versions have in common.
        environments: The environments that the lines apply to; one of each equivalent group.
        lines: The lines, in the order of their files.
    """

    specifier: str
    series: tuple[int, ...]
    environments: frozenset[int]
    lines: Sequence[Line]


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every pin that disagrees with what most files pin for the same environment."""
    by_name: defaultdict[str, defaultdict[tuple[str, str], list[Line]]]
    by_name = defaultdict(lambda: defaultdict(list))
    for line in repository.lines():
        if line.kind is LineKind.REQUIREMENT and line.requirement is not None:
            specifiers = list(line.requirement.specifier)
            if [specifier.operator for specifier in specifiers] == ["~="]:
                # Texts are faster to compare than the specifiers of a thousand files.
                key = str(specifiers[0]), str(line.marker or "")
                by_name[str(line.name)][key].append(line)
    for name, written in by_name.items():
        # Nearly all pins of a distribution have the same series, and so agree.
        if len({_series(specifier) for specifier, _ in written}) > 1:
            yield from _disagreements(name, _pins(written, repository.policy), repository.policy)


def _pins(written: Mapping[tuple[str, str], Sequence[Line]], policy: Policy) -> list[_Pin]:
    places = {
        key: matching_environments(lines[0].marker, policy.pythons, policy.platforms)
        for key, lines in written.items()
    }
    representatives = _representatives(set(places.values()))
    return [
        _Pin(key[0], _series(key[0]), places[key] & representatives, lines)
        for key, lines in written.items()
    ]


def _representatives(places: Collection[frozenset[int]]) -> frozenset[int]:
    """One environment of each group that is in the same sets."""
    kinds: dict[tuple[bool, ...], int] = {}
    for environment in frozenset[int]().union(*places):
        kinds.setdefault(tuple(environment in place for place in places), environment)
    return frozenset(kinds.values())


def _disagreements(name: str, pins: Sequence[_Pin], policy: Policy) -> Iterator[Violation]:
    leaders = _leaders(name, pins, policy)
    for pin in pins:
        found = {id(leaders[place]): leaders[place] for place in pin.environments & leaders.keys()}
        others = sorted(
            (lines for lines in found.values() if not _agree(pin.specifier, _specifier(lines[0]))),
            key=lambda lines: (lines[0].path, lines[0].number),
        )
        for line in pin.lines if others else ():
            other = next(
                (o for lines in others for o in lines if not _is_reported_elsewhere(line, o)),
                None,
            )
            if other is not None:
                message = (
                    f"{name}{pin.specifier} differs in series from {other.path}:{other.number}, "
                    f"{name}{_specifier(other)}: use one series, or allow the difference for a "
                    "while by an exception"
                )
                yield Violation(line.path, line.number, CODE, message, name)


def _leaders(name: str, pins: Sequence[_Pin], policy: Policy) -> Mapping[int, tuple[Line, ...]]:
    """For each environment, the lines of its most frequent series.

    Lines with an exception do not count, or all other files would get the violation.
    """
    markers: defaultdict[int, list[tuple[_Pin, tuple[Line, ...]]]] = defaultdict(list)
    for pin in pins:
        leading = tuple(line for line in pin.lines if not _is_excepted(name, line.path, policy))
        for place in pin.environments if leading else ():
            markers[place].append((pin, leading))
    leaders = {}
    for place, candidates in markers.items():
        counted: Counter[tuple[int, ...]] = Counter()
        for pin, lines in candidates:
            counted[pin.series] += len(lines)
        ((most, _),) = counted.most_common(1)
        leaders[place] = next(lines for pin, lines in candidates if pin.series == most)
    return leaders


def _is_excepted(name: str, path: str, policy: Policy) -> bool:
    return any(exception.covers(CODE, name, path) for exception in policy.exceptions)


def _is_reported_elsewhere(one: Line, other: Line) -> bool:
    """Whether PIN004 reports the two, in one file, or PIN005, in production and development."""
    paths = [PurePosixPath(line.path) for line in (one, other)]
    names = {path.name for path in paths}
    return paths[0].parent == paths[1].parent and (len(names) == 1 or names == {PROD, DEV})


def _specifier(line: Line) -> str:
    return str(line.requirement.specifier) if line.requirement else ""


@cache
def _series(pin: str) -> tuple[int, ...]:
    version = Version(Specifier(pin).version)
    return (version.epoch, *version.release[:-1])


@cache
def _agree(one: str, other: str) -> bool:
    """Whether one series contains the other, and both have a version in common."""
    shorter, longer = sorted((_series(one), _series(other)), key=len)
    if longer[: len(shorter)] != shorter:
        return False
    ranges = (SpecifierSet(pin, prereleases=True) for pin in (one, other))
    return not next(ranges).is_disjoint(next(ranges))
