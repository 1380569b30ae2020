"""Finds the newest releases that each pin admits and excludes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timezone

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pinproof.audit.concurrent_map import Progress, silent, try_each
from pinproof.audit.index import PackageIndex, Project
from pinproof.audit.skips import AppliedSkips, active_names, apply_skips
from pinproof.repository.marker_environments import matching_environments
from pinproof.repository.pins import Pin, Pins
from pinproof.repository.policy import Policy


@dataclass(frozen=True, slots=True)
class PinStatus:
    """The newest releases inside and outside of a pin.

    Attributes:
        name: The distribution in PEP 503 form.
        specifier: The specifier of the pin.
        written: The version that the pin names; None if it names none or several.
        inside: The newest release that the pin admits.
        outside: The newest stable release above that, or None.
        places: The places of the pin, as `file:line`.
    """

    name: str
    specifier: str
    written: Version | None
    inside: Version
    outside: Version | None
    places: tuple[str, ...]

    @property
    def patched(self) -> bool:
        """Whether the pin admits a newer release than the written one."""
        return self.written is not None and self.written < self.inside


@dataclass(frozen=True, slots=True)
class UnknownPin:
    """A pin that cannot be compared with releases.

    Attributes:
        name: The distribution in PEP 503 form.
        specifier: The specifier of the pin.
        reason: Why, and what to do, as sentences.
        places: The places of the pin, as `file:line`.
    """

    name: str
    specifier: str
    reason: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outdated:
    """The result for all pins.

    Attributes:
        statuses: The pins that were compared.
        unknown: The pins that could not be compared.
        skips: What the skip list covers.
    """

    statuses: tuple[PinStatus, ...]
    unknown: tuple[UnknownPin, ...]
    skips: AppliedSkips


def outdated(
    pins: Pins, index: PackageIndex, progress: Progress = silent, *, today: date | None = None
) -> Outdated:
    """Compare each pin with the releases in an index.

    Only releases count that are stable, not yanked, and that every Python that the pin applies to
    can install.

    Args:
        pins: The pins.
        index: The index.
        progress: Called after each step.
        today: The date that the skip list is compared with. Default: the current one, in UTC.

    Raises:
        OfflineError: The index cannot be reached.
    """
    day = today or datetime.now(tz=timezone.utc).date()
    skipped = active_names(pins.policy.skips, day)
    together: dict[tuple[str, str, tuple[str, ...]], list[Pin]] = {}
    for pin in pins.all():
        pythons = supported_pythons(pin, pins.policy)
        # A pin for unsupported Pythons or platforms is never installed.
        if pythons:
            key = pin.name, str(pin.requirement.specifier), pythons
            together.setdefault(key, []).append(pin)
    seen = {name for name, _, _ in together}
    names = sorted(seen - skipped)
    projects, failures = try_each(index.project, names, what="releases", progress=progress)
    statuses: list[PinStatus] = []
    unknown: list[UnknownPin] = []
    for (name, specifier, pythons), same in sorted(together.items()):
        if name in skipped:
            continue
        status = _standing(projects[name], same, pythons) if name in projects else None
        if status is not None:
            statuses.append(status)
            continue
        reason = (
            str(failures[name])
            if name in failures
            else f"{same[0]} admits no release that Python {' and '.join(pythons)} can install. "
            "Correct the pin, or the Pythons in pins.toml."
        )
        unknown.append(UnknownPin(name, specifier, reason, tuple(pin.place for pin in same)))
    skips = apply_skips(pins.policy.skips, seen, day, whole=pins.whole)
    return Outdated(tuple(statuses), tuple(unknown), skips)


def supported_pythons(pin: Pin, policy: Policy) -> tuple[str, ...]:
    """The Pythons of a policy that a pin applies to, on at least one platform."""
    marker = pin.requirement.marker
    return tuple(
        python
        for python in policy.pythons
        if matching_environments(marker, (python,), policy.platforms)
    )


def newest_outside(
    versions: Iterable[Version], inside: Version, specifier: SpecifierSet
) -> Version | None:
    """The newest stable version above `inside` that the specifier excludes, or None."""
    return max(
        (
            version
            for version in versions
            if version > inside
            and not version.is_prerelease
            and not specifier.contains(version, prereleases=True)
        ),
        default=None,
    )


def _standing(project: Project, pins: list[Pin], pythons: tuple[str, ...]) -> PinStatus | None:
    specifier = pins[0].requirement.specifier
    versions = project.installable_by_all(pythons)
    inside = max(specifier.filter(versions), default=None)
    if inside is None:
        return None
    named = [
        Version(one.version)
        for one in specifier
        if one.operator in {"~=", "==", ">="} and "*" not in one.version
    ]
    return PinStatus(
        name=project.name,
        specifier=str(specifier),
        written=named[0] if len(named) == 1 else None,
        inside=inside,
        outside=newest_outside(versions, inside, specifier),
        places=tuple(pin.place for pin in pins),
    )
