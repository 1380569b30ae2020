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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from pinproof.repository.loading import Repository
from pinproof.repository.policy import DEV, PROD, Policy
from pinproof.repository.requirements import Kind, Line
from pinproof.repository.targets import environments_of
from pinproof.violations import Violation

CODE = "PIN006"


@dataclass(frozen=True, slots=True)
class _Pin:
    """The lines that pin a distribution in the same words.

    Attributes:
        specifier: The `~=`.
        series: What all its versions begin with.
        environments: Where the lines apply; of those that no line tells apart, one.
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
        if line.kind is Kind.REQUIREMENT and line.requirement is not None:
            specifiers = list(line.requirement.specifier)
            if [specifier.operator for specifier in specifiers] == ["~="]:
                # As texts: the specifiers of a thousand files take long to compare.
                key = str(specifiers[0]), str(line.marker or "")
                by_name[str(line.name)][key].append(line)
    for name, written in by_name.items():
        # Pins of one series share the end of its range, as nearly all do.
        if len({_series(specifier) for specifier, _ in written}) > 1:
            yield from _disagreements(name, _pins(written, repository.policy), repository.policy)


def _pins(written: Mapping[tuple[str, str], Sequence[Line]], policy: Policy) -> list[_Pin]:
    places = {
        key: environments_of(lines[0].marker, policy.pythons, policy.platforms)
        for key, lines in written.items()
    }
    representatives = _representatives(set(places.values()))
    return [
        _Pin(key[0], _series(key[0]), places[key] & representatives, lines)
        for key, lines in written.items()
    ]


def _representatives(places: Collection[frozenset[int]]) -> frozenset[int]:
    """One of each kind of environment: those of a kind are in the same of these sets."""
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
                (o for lines in others for o in lines if not _told_elsewhere(line, o)), None
            )
            if other is not None:
                message = (
                    f"{name}{pin.specifier} is not the series of {other.path}:{other.number}, "
                    f"{name}{_specifier(other)}: agree on one"
                )
                yield Violation(line.path, line.number, CODE, message, name)


def _leaders(name: str, pins: Sequence[_Pin], policy: Policy) -> Mapping[int, tuple[Line, ...]]:
    """For each environment the lines of the series that most lines pin there.

    What an exception speaks of does not lead, or the message would stand in all other files.
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


def _told_elsewhere(one: Line, other: Line) -> bool:
    """Whether PIN004 speaks of the two, being in one file, or PIN005, as production and more."""
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
    """Whether one series holds the other, and both have a version in common."""
    shorter, longer = sorted((_series(one), _series(other)), key=len)
    if longer[: len(shorter)] != shorter:
        return False
    ranges = (SpecifierSet(pin, prereleases=True) for pin in (one, other))
    return not next(ranges).is_disjoint(next(ranges))
