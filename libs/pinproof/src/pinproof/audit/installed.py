"""The installed releases and their requirements."""

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from pinproof.environment.interpreter import Installation
from pinproof.errors import PinproofError


class InstalledVersionError(PinproofError):
    """An installed version cannot be compared with advisories."""


def installed_versions(installation: Installation | None) -> dict[str, Version]:
    """The installed releases by name, without first-party code, which no index has.

    Raises:
        InstalledVersionError: A version is invalid.
    """
    versions = {}
    for name, found in installation.by_name().items() if installation else ():
        if found.from_folder:
            continue
        try:
            versions[name] = Version(Version(found.version).public)
        except InvalidVersion as error:
            raise InstalledVersionError(
                f"{name} is installed in version {found.version!r}, which is invalid.",
                remedy="Install a release of it.",
            ) from error
    return versions


def installed_requirements(
    installation: Installation | None,
) -> dict[str, tuple[Requirement, ...]]:
    """The requirements of the installed distributions by name, if they are valid."""
    requirements = {}
    for name, found in installation.by_name().items() if installation else ():
        try:
            requirements[name] = tuple(map(Requirement, found.requires))
        except InvalidRequirement:
            # Only the index has valid requirements of it.
            continue
    return requirements
