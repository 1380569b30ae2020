"""One advisory that affects one pin, and its message."""

from dataclasses import dataclass

from modelseal.compatible_releases import compatible_releases
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pinproof.audit.advisories import Advisory
from pinproof.audit.impact import Impact, ImpactKind, VersionRole
from pinproof.repository.policy import POLICY_FILE, IgnoredAdvisory
from pinproof.violations import Violation

_ROLE_NAMES = {
    VersionRole.FLOOR: "the floor",
    VersionRole.BETWEEN: "inside the pin",
    VersionRole.CEILING: "the ceiling",
    VersionRole.INSTALLED: "installed",
}


@dataclass(frozen=True, slots=True)
class Blocker:
    """A parent that blocks the fixed release of a distribution.

    Attributes:
        name: The parent in PEP 503 form.
        pin: Its pin, or its name if it has none.
        release: Its newest admitted release.
        asks: The specifier that this release requires.
        first: Its first later release that admits the fix; None if none was found.
    """

    name: str
    pin: str
    release: Version
    asks: SpecifierSet
    first: Version | None


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One advisory that affects one pin.

    Attributes:
        name: The affected distribution in PEP 503 form.
        subject: Its pin; without one, its name and the parents that require it.
        pinned: Whether it has a pin.
        path: The file of its pin, or of the pin that leads to it.
        line: The line in that file.
        advisory: The advisory.
        impact: What the advisory means for the pin.
        blockers: The parents that block the fix.
        pythons: The Pythons that this applies to; empty for all.
        expired: The expired entries of the ignore list that cover it.
    """

    name: str
    subject: str
    pinned: bool
    path: str
    line: int
    advisory: Advisory
    impact: Impact
    blockers: tuple[Blocker, ...]
    pythons: tuple[str, ...] = ()
    expired: tuple[IgnoredAdvisory, ...] = ()

    @property
    def message(self) -> str:
        """The finding on one line."""
        points = [f"{_ROLE_NAMES[role]} {each}" for role, each in self.impact.points.items()]
        verb = "is" if len(points) == 1 else "are"
        on = f" on Python {_and(list(self.pythons))}" if self.pythons else ""
        aliases = ", ".join([*self.advisory.names[1:], *filter(None, [self.advisory.severity])])
        summary = f"; {self.advisory.summary.rstrip('. ')}" if self.advisory.summary else ""
        summary += f" ({aliases})" if aliases else ""
        expired = "".join(
            f"; {POLICY_FILE} ignored it until {entry.expires} ({entry.reason})"
            for entry in self.expired
        )
        return (
            f"{self.impact.kind}: {self.subject}: {_and(points)} {verb} affected{on}; "
            f"{self._remedy()}{summary}{expired}"
        )

    @property
    def violation(self) -> Violation:
        """The finding in the form that reporters take."""
        return Violation(self.path, self.line, self.advisory.names[0], self.message, self.name)

    def _remedy(self) -> str:
        target, newest = self.impact.target, self.impact.newest_unaffected
        pin = compatible_releases(target) if target else ""
        match self.impact.kind:
            case ImpactKind.REACHABLE:
                return f"{target} is not affected and is admitted: install again"
            case ImpactKind.FLOOR:
                return f"{target} and later are not affected: pin {pin}"
            case ImpactKind.PIN:
                return f"{target} is not affected, but the pin excludes it: pin {pin}"
            case ImpactKind.PARENT:
                blocked = " and ".join(_blocked(blocker, self.name) for blocker in self.blockers)
                also = "; change the pin too" if self.pinned and not self.impact.admitted else ""
                return f"{target} is not affected, but is blocked by {blocked}{also}"
            case ImpactKind.NONE:
                early = [str(fix) for fix in self.advisory.fixes if fix.is_prerelease]
                except_for = f" except the pre-release {_and(early)}" if early else ""
                unaffected = f"; {newest} is not affected" if newest else ""
                return f"no later release fixes it{except_for}{unaffected}"


def _blocked(blocker: Blocker, name: str) -> str:
    first = (
        f"{blocker.name} {blocker.first} is the first that admits it"
        if blocker.first
        else f"no later {blocker.name} that was checked admits it"
    )
    return f"{blocker.pin} (its {blocker.release} requires {name}{blocker.asks}; {first})"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
