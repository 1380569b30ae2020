"""One advisory at one pin, and how it is told."""

from dataclasses import dataclass

from modelseal.series import compatible_releases
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pinproof.audit.advisories import Advisory
from pinproof.audit.impact import Impact, Kind, Point
from pinproof.repository.policy import POLICY_FILE, IgnoredAdvisory
from pinproof.violations import Violation

__all__ = ["AuditFinding", "Blocker"]

_NAMED = {
    Point.FLOOR: "the floor",
    Point.BETWEEN: "inside the pin",
    Point.CEILING: "the ceiling",
    Point.INSTALLED: "installed",
}


@dataclass(frozen=True, slots=True)
class Blocker:
    """A distribution that keeps the fixed release of another out.

    Attributes:
        name: The distribution in PEP 503 form.
        pin: What pins it, or its name alone where nothing does.
        release: Its newest admitted release.
        asks: What that asks for.
        first: Its first later release that admits the fix; None if none was found.
    """

    name: str
    pin: str
    release: Version
    asks: SpecifierSet
    first: Version | None


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One advisory at one pin.

    Attributes:
        name: The affected distribution in PEP 503 form.
        what: Its pin; without one its name, and what brings it along.
        pinned: Whether it has a pin.
        path: The file with its pin, or with the one that brings it along.
        line: The line in that file.
        advisory: The advisory.
        verdict: What follows.
        blockers: Who keeps the fix out, and why.
        pythons: The Pythons that this holds for; empty for all.
        expired: The entries of the ignore list that covered it, and have expired.
    """

    name: str
    what: str
    pinned: bool
    path: str
    line: int
    advisory: Advisory
    verdict: Impact
    blockers: tuple[Blocker, ...]
    pythons: tuple[str, ...] = ()
    expired: tuple[IgnoredAdvisory, ...] = ()

    @property
    def message(self) -> str:
        """All of it, on one line."""
        affected = _and([f"{_NAMED[point]} {version}" for point, version in self._points])
        on = f" on Python {_and(list(self.pythons))}" if self.pythons else ""
        aliases = ", ".join([*self.advisory.names[1:], *filter(None, [self.advisory.severity])])
        told = f"; {self.advisory.summary.rstrip('. ')}" if self.advisory.summary else ""
        told += f" ({aliases})" if aliases else ""
        expired = "".join(
            f"; {POLICY_FILE} ignored it until {entry.expires} ({entry.reason})"
            for entry in self.expired
        )
        verb = "is" if len(self._points) == 1 else "are"
        return (
            f"{self.verdict.kind}: {self.what}: {affected} {verb} affected{on}; "
            f"{self._remedy()}{told}{expired}"
        )

    @property
    def violation(self) -> Violation:
        """The finding as the reporters of the checker take it."""
        return Violation(self.path, self.line, self.advisory.names[0], self.message, self.name)

    @property
    def _points(self) -> list[tuple[Point, Version]]:
        return list(self.verdict.points.items())

    def _remedy(self) -> str:
        target, newest_unaffected = self.verdict.target, self.verdict.newest_unaffected
        match self.verdict.kind:
            case Kind.REACHABLE:
                return f"{target} is admitted and is not: install again"
            case Kind.FLOOR:
                return f"from {target} on none is: write {_pin(target)}"
            case Kind.PIN:
                return f"{target} is not, and the pin keeps it out: write {_pin(target)}"
            case Kind.PARENT:
                blocked = " and ".join(_blocked(blocker, self.name) for blocker in self.blockers)
                also = "; change the pin too" if self.pinned and not self.verdict.admitted else ""
                return f"{target} is not, and is kept out by {blocked}{also}"
            case Kind.NONE:
                early = [str(fix) for fix in self.advisory.fixes if fix.is_prerelease]
                but = f" but the pre-release {_and(early)}" if early else ""
                hold = f"; {newest_unaffected} is not affected" if newest_unaffected else ""
                return f"no later release fixes it{but}{hold}"


def _pin(target: Version | None) -> str:
    return str(compatible_releases(target)) if target else ""


def _blocked(blocker: Blocker, name: str) -> str:
    first = (
        f"{blocker.name} {blocker.first} is the first that admits it"
        if blocker.first
        else f"no later {blocker.name} that was looked at admits it"
    )
    return f"{blocker.pin} (its {blocker.release} asks for {name}{blocker.asks}; {first})"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
