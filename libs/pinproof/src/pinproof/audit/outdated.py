"""Finds the newest releases that each pin admits and excludes."""

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pinproof.audit.concurrent_map import Progress, concurrent_map, silent
from pinproof.audit.index import Index, Project
from pinproof.errors import PinproofError
from pinproof.repository.marker_environments import matching_environments
from pinproof.repository.pins import Pin, Pins
from pinproof.repository.policy import Policy


class NoReleaseError(PinproofError):
    """A pin admits no release that all of its Pythons can install."""


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


def outdated(pins: Pins, index: Index, progress: Progress = silent) -> tuple[PinStatus, ...]:
    """Compare each pin with the releases in an index.

    Only releases count that are stable, not yanked, and that every Python that the pin applies to
    can install.

    Raises:
        WebError: The index does not answer for each distribution.
        NoReleaseError: Some pin admits no release.
    """
    together: dict[tuple[str, str, tuple[str, ...]], list[Pin]] = {}
    for pin in pins.all():
        pythons = supported_pythons(pin, pins.policy)
        # A pin for unsupported Pythons or platforms is never installed.
        if pythons:
            key = pin.name, str(pin.requirement.specifier), pythons
            together.setdefault(key, []).append(pin)
    names = sorted({name for name, _, _ in together})
    projects = concurrent_map(index.project, names, what="releases", progress=progress)
    statuses = []
    faults = []
    for (name, _, pythons), same in sorted(together.items()):
        status = _standing(projects[name], same, pythons)
        if status is None:
            faults.append(
                f"{same[0].place}: {same[0]} admits no release that Python "
                f"{' and '.join(pythons)} can install."
            )
        else:
            statuses.append(status)
    if faults:
        raise NoReleaseError(
            "\n".join(faults), remedy="Correct the pin, or the Pythons in pins.toml."
        )
    return tuple(statuses)


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
