"""What an advisory means for a pin: the algebra, without files, indexes or servers."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from packaging.version import Version

__all__ = ["AuditInput", "Impact", "Kind", "Point", "assess_impact"]


class Kind(StrEnum):
    """What it takes to get a release that is not affected, the least first."""

    REACHABLE = "reachable"
    FLOOR = "floor-bump"
    PIN = "pin-bump"
    PARENT = "parent-bump"
    NONE = "no-fix"


class Point(StrEnum):
    """Where an affected version stands."""

    FLOOR = "floor"
    BETWEEN = "between"
    CEILING = "ceiling"
    INSTALLED = "installed"


@dataclass(frozen=True)
class AuditInput:
    """One advisory and one distribution.

    Attributes:
        releases: What a Python can install, the oldest first, without pre-releases.
        admitted: Those releases that the distribution's own pin admits, the oldest first, with
            pre-releases where the pin admits them. For one without a pin, those that the
            requirements of others admit. Never empty.
        pinned: Whether it has a pin of its own.
        blockers: Who keeps a version out: the other distributions no admitted release of which
            admits it.
        affected: Whether the advisory speaks of a version.
        installed: The installed version, if an environment is looked at.
    """

    releases: tuple[Version, ...]
    admitted: tuple[Version, ...]
    pinned: bool
    blockers: Callable[[Version], frozenset[str]]
    affected: Callable[[Version], bool]
    installed: Version | None = None


@dataclass(frozen=True, slots=True)
class Impact:
    """What follows.

    Attributes:
        kind: What it takes.
        points: The affected versions that were looked at, by where they stand.
        target: The release to go to; None where there is none.
        blockers: Who keeps the target out.
        admitted: Whether the distribution's own pin admits the target.
        newest_unaffected: The newest release that can be installed today and is not affected, if
            there is one.
    """

    kind: Kind
    points: dict[Point, Version]
    target: Version | None
    blockers: frozenset[str]
    admitted: bool
    newest_unaffected: Version | None


def assess_impact(case: AuditInput) -> Impact | None:
    """Classify an advisory; None if nothing that is admitted or installed is affected."""
    reachable = [version for version in case.admitted if not case.blockers(version)]
    # A pin that its parents contradict: no environment has both, so the pin alone is looked at.
    reachable = reachable or list(case.admitted)
    # Without a pin there is no floor that anybody chose.
    considered = reachable if case.pinned else reachable[-1:]
    points = _points(case, considered)
    if not points:
        return None
    newest_unaffected = max((one for one in reachable if not case.affected(one)), default=None)
    if not case.affected(considered[-1]):
        floor = _clean_floor(case, considered)
        kind = Kind.REACHABLE if points.keys() == {Point.INSTALLED} else Kind.FLOOR
        target = considered[-1] if kind is Kind.REACHABLE else floor
        return Impact(
            kind, points, target, frozenset(), admitted=True, newest_unaffected=newest_unaffected
        )
    fixed = [
        version
        for version in case.releases
        if version > considered[-1] and not case.affected(version)
    ]
    if not fixed:
        return Impact(
            Kind.NONE,
            points,
            None,
            frozenset(),
            admitted=False,
            newest_unaffected=newest_unaffected,
        )
    # The nearest of those that the fewest keep out.
    target = min(fixed, key=lambda version: (len(case.blockers(version)), version))
    blockers = case.blockers(target)
    kind = Kind.PARENT if blockers else Kind.PIN if case.pinned else Kind.REACHABLE
    return Impact(
        kind,
        points,
        target,
        blockers,
        admitted=target in case.admitted,
        newest_unaffected=newest_unaffected,
    )


def _points(case: AuditInput, considered: list[Version]) -> dict[Point, Version]:
    points: dict[Point, Version] = {}
    if case.pinned and case.affected(considered[0]):
        points[Point.FLOOR] = considered[0]
    inner = [version for version in considered[1:-1] if case.affected(version)]
    if inner and not points and not case.affected(considered[-1]):
        points[Point.BETWEEN] = inner[-1]
    if case.affected(considered[-1]):
        points[Point.CEILING] = considered[-1]
    if case.installed is not None and case.affected(case.installed):
        points[Point.INSTALLED] = case.installed
    return points


def _clean_floor(case: AuditInput, considered: list[Version]) -> Version:
    """The lowest version from which on none is affected. The last one is known not to be."""
    floor = considered[-1]
    for version in reversed(considered):
        if case.affected(version):
            break
        floor = version
    return floor
