"""What is installed, as the audit looks at it."""

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from pinproof.environment.interpreter import Installation
from pinproof.errors import PinproofError

__all__ = ["InstalledVersionError", "installed_requirements", "installed_versions"]


class InstalledVersionError(PinproofError):
    """Something is installed in a version that no advisory can be compared with."""


def installed_versions(installation: Installation | None) -> dict[str, Version]:
    """The releases that are installed, by name; first-party code is left out: no index knows it.

    Raises:
        InstalledVersionError: A version is none of PEP 440.
    """
    versions = {}
    for name, found in installation.by_name().items() if installation else ():
        if found.from_folder:
            continue
        try:
            versions[name] = Version(Version(found.version).public)
        except InvalidVersion as error:
            raise InstalledVersionError(
                f"{name} is installed in version {found.version!r}, which is none.",
                remedy="Install a release of it.",
            ) from error
    return versions


def installed_requirements(
    installation: Installation | None,
) -> dict[str, tuple[Requirement, ...]]:
    """What the installed distributions ask for, by name, where that can be read."""
    requirements = {}
    for name, found in installation.by_name().items() if installation else ():
        try:
            requirements[name] = tuple(map(Requirement, found.requires))
        except InvalidRequirement:
            # Then only the index can tell what it asks for.
            continue
    return requirements
