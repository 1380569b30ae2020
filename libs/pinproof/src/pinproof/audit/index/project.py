"""The releases of one project, and which of them a Python can install.

Sources: `Simple repository API
<https://packaging.python.org/en/latest/specifications/simple-repository-api/>`_.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidSdistFilename, parse_sdist_filename
from packaging.version import InvalidVersion, Version

__all__ = ["File", "Project", "version_of"]

# Each patch release of a minor version counts, as it does for the markers of a policy.
_PATCHES = range(40)


@dataclass(frozen=True, slots=True)
class File:
    """One file that an index offers.

    Attributes:
        name: Its name.
        url: Its address.
        version: The release that it belongs to.
        yanked: Whether its release was withdrawn (PEP 592).
        requires_python: The Pythons that it is for, as a specifier; empty means all.
        metadata: Whether its metadata is offered beside it (PEP 658).
        metadata_sha256: That metadata's digest, where the index tells it.
    """

    name: str
    url: str
    version: Version
    yanked: bool = False
    requires_python: str = ""
    metadata: bool = False
    metadata_sha256: str | None = None

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel; otherwise it is a source distribution."""
        return self.name.endswith(".whl")


@dataclass(frozen=True)
class Project:
    """What an index offers under one name.

    Attributes:
        name: The name in PEP 503 form.
        files: The wheels and source distributions.
    """

    name: str
    files: tuple[File, ...]
    _known: dict[str, tuple[Version, ...]] = field(default_factory=dict, compare=False)

    def installable(self, python: str) -> tuple[Version, ...]:
        """The releases that a minor version of Python can install, the oldest first.

        A release counts if it has a file that is not yanked and that is for some patch release of
        that Python. What a file was built for (its tags) is not looked at.
        """
        if python not in self._known:
            found = {
                file.version
                for file in self.files
                if not file.yanked and _admits_python(file.requires_python, python)
            }
            self._known[python] = tuple(sorted(found))
        return self._known[python]

    def installable_by_all(self, pythons: Iterable[str]) -> tuple[Version, ...]:
        """The releases that each of these Pythons can install, the oldest first."""
        by_python = [set(self.installable(python)) for python in pythons]
        return tuple(sorted(set.intersection(*by_python))) if by_python else ()

    def of(self, version: Version) -> tuple[File, ...]:
        """The files of one release, the wheels for every platform first."""
        return tuple(
            sorted(
                (file for file in self.files if file.version == version),
                key=lambda file: (
                    file.yanked,
                    not file.is_wheel,
                    not file.name.endswith("-none-any.whl"),
                    file.name,
                ),
            )
        )


def version_of(filename: str) -> Version | None:
    """The version of a wheel or source distribution, by its name; None for anything else."""
    try:
        if filename.endswith(".whl"):
            return Version(filename.split("-")[1])
        return parse_sdist_filename(filename)[1]
    except (InvalidSdistFilename, InvalidVersion, IndexError):
        return None


@cache
def _admits_python(requires_python: str, python: str) -> bool:
    try:
        specifier = SpecifierSet(requires_python)
    except InvalidSpecifier:
        # As for pip: what cannot be read forbids nothing.
        return True
    return any(specifier.contains(f"{python}.{patch}") for patch in _PATCHES)
