"""Which releases there are inside each pin, and which the pin keeps out."""

from collections.abc import Iterable
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pinproof.audit.concurrent_map import Progress, concurrent_map, silent
from pinproof.audit.index import Index, Project
from pinproof.errors import PinproofError
from pinproof.repository.pins import Pin, Pins
from pinproof.repository.policy import Policy
from pinproof.repository.targets import environments_of

__all__ = ["NoReleaseError", "Standing", "outdated", "pythons_of"]


class NoReleaseError(PinproofError):
    """A pin admits no release that every Python it applies to can install."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one pin stands to the releases of its distribution.

    Attributes:
        name: The distribution in PEP 503 form.
        specifier: What the pin admits.
        written: The version that the pin names; None where it names none or several.
        inside: The newest release that the pin admits.
        outside: The newest stable release above that, which the pin keeps out; None if there is
            none.
        places: Where the pin stands, as `file:line`.
    """

    name: str
    specifier: str
    written: Version | None
    inside: Version
    outside: Version | None
    places: tuple[str, ...]

    @property
    def patched(self) -> bool:
        """Whether a newer release than the written one is inside, which arrives by itself."""
        return self.written is not None and self.written < self.inside


def outdated(pins: Pins, index: Index, progress: Progress = silent) -> tuple[Standing, ...]:
    """Compare each pin with the releases that an index offers.

    Only releases count that are stable, not yanked, and that every Python of the policy can
    install to which the pin applies.

    Raises:
        WebError: The index does not answer for each distribution.
        NoReleaseError: Some pin admits no release.
    """
    together: dict[tuple[str, str, tuple[str, ...]], list[Pin]] = {}
    for pin in pins.all():
        pythons = pythons_of(pin, pins.policy)
        # A pin for Pythons or platforms that are not supported is installed nowhere.
        if pythons:
            key = pin.name, str(pin.requirement.specifier), pythons
            together.setdefault(key, []).append(pin)
    names = sorted({name for name, _, _ in together})
    projects = concurrent_map(index.project, names, what="releases", progress=progress)
    standings = []
    faults = []
    for (name, _, pythons), same in sorted(together.items()):
        standing = _standing(projects[name], same, pythons)
        if standing is None:
            faults.append(
                f"{same[0].place}: {same[0]} admits no release that Python "
                f"{' and '.join(pythons)} can install."
            )
        else:
            standings.append(standing)
    if faults:
        raise NoReleaseError(
            "\n".join(faults), remedy="Correct the pin, or the Pythons in pins.toml."
        )
    return tuple(standings)


def pythons_of(pin: Pin, policy: Policy) -> tuple[str, ...]:
    """The Pythons of a policy that a pin applies to, on some platform."""
    marker = pin.requirement.marker
    return tuple(
        python for python in policy.pythons if environments_of(marker, (python,), policy.platforms)
    )


def newest_outside(
    versions: Iterable[Version], inside: Version, specifier: SpecifierSet
) -> Version | None:
    """The newest stable version above the newest inside; None if a pin keeps none out."""
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


def _standing(project: Project, pins: list[Pin], pythons: tuple[str, ...]) -> Standing | None:
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
    return Standing(
        name=project.name,
        specifier=str(specifier),
        written=named[0] if len(named) == 1 else None,
        inside=inside,
        outside=newest_outside(versions, inside, specifier),
        places=tuple(pin.place for pin in pins),
    )
