"""What an advisory means for a pin, computed from versions alone."""

from collections.abc import Callable
from dataclasses import dataclass

from packaging.version import Version

from pinproof.python310 import StrEnum


class ImpactKind(StrEnum):
    """The change that leads to an unaffected release, in ascending order of effort."""

    REACHABLE = "reachable"
    FLOOR = "floor-bump"
    PIN = "pin-bump"
    PARENT = "parent-bump"
    NONE = "no-fix"


class VersionRole(StrEnum):
    """The position of an affected version in its pin."""

    FLOOR = "floor"
    BETWEEN = "between"
    CEILING = "ceiling"
    INSTALLED = "installed"


@dataclass(frozen=True)
class AuditInput:
    """One advisory and one distribution.

    Attributes:
        releases: The releases that a Python can install, in ascending order, without pre-releases.
        admitted: The releases that the pin of the distribution admits, in ascending order, with
            pre-releases if the pin admits them. Without a pin, those that its parents admit.
            Never empty.
        pinned: Whether the distribution has a pin of its own.
        blockers: Returns the parents that have no admitted release that admits a version.
        affected: Returns whether the advisory affects a version.
        installed: The installed version, if an environment is audited.
    """

    releases: tuple[Version, ...]
    admitted: tuple[Version, ...]
    pinned: bool
    blockers: Callable[[Version], frozenset[str]]
    affected: Callable[[Version], bool]
    installed: Version | None = None


@dataclass(frozen=True, slots=True)
class Impact:
    """The impact of an advisory.

    Attributes:
        kind: The change that leads to an unaffected release.
        points: The affected versions that were considered, by their role.
        newest_unaffected: The newest unaffected release that can be installed today, or None.
        target: The release to upgrade to, or None.
        blockers: The parents that block the target.
        admitted: Whether the distribution's own pin admits the target.
    """

    kind: ImpactKind
    points: dict[VersionRole, Version]
    newest_unaffected: Version | None
    target: Version | None = None
    blockers: frozenset[str] = frozenset()
    admitted: bool = False


def assess_impact(case: AuditInput) -> Impact | None:
    """Classify an advisory; None if no admitted or installed version is affected."""
    installable = [version for version in case.admitted if not case.blockers(version)]
    # If the parents contradict the pin, no environment has both: only the pin is considered.
    installable = installable or list(case.admitted)
    # Without a pin, nobody has chosen a floor.
    considered = installable if case.pinned else installable[-1:]
    ceiling = considered[-1]
    points = _affected_points(case, considered)
    if not points:
        return None
    newest = max((each for each in installable if not case.affected(each)), default=None)
    if not case.affected(ceiling):
        if points.keys() == {VersionRole.INSTALLED}:
            return Impact(ImpactKind.REACHABLE, points, newest, ceiling, admitted=True)
        floor = _unaffected_floor(case, considered)
        return Impact(ImpactKind.FLOOR, points, newest, floor, admitted=True)
    fixed = [each for each in case.releases if each > ceiling and not case.affected(each)]
    if not fixed:
        return Impact(ImpactKind.NONE, points, newest)
    # The lowest of the releases with the fewest blockers.
    target = min(fixed, key=lambda version: (len(case.blockers(version)), version))
    blockers = case.blockers(target)
    if blockers:
        kind = ImpactKind.PARENT
    else:
        kind = ImpactKind.PIN if case.pinned else ImpactKind.REACHABLE
    return Impact(kind, points, newest, target, blockers, admitted=target in case.admitted)


def _affected_points(case: AuditInput, considered: list[Version]) -> dict[VersionRole, Version]:
    points: dict[VersionRole, Version] = {}
    if case.pinned and case.affected(considered[0]):
        points[VersionRole.FLOOR] = considered[0]
    inner = [version for version in considered[1:-1] if case.affected(version)]
    if inner and not points and not case.affected(considered[-1]):
        points[VersionRole.BETWEEN] = inner[-1]
    if case.affected(considered[-1]):
        points[VersionRole.CEILING] = considered[-1]
    if case.installed is not None and case.affected(case.installed):
        points[VersionRole.INSTALLED] = case.installed
    return points


def _unaffected_floor(case: AuditInput, considered: list[Version]) -> Version:
    """The lowest version above every affected one. The highest is known to be unaffected."""
    floor = considered[-1]
    for version in reversed(considered):
        if case.affected(version):
            break
        floor = version
    return floor
