"""The releases of a project, and those that a Python can install.

Sources: `Simple repository API
<https://packaging.python.org/en/latest/specifications/simple-repository-api/>`_.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidSdistFilename, parse_sdist_filename
from packaging.version import InvalidVersion, Version

from pinproof.repository.marker_environments import PATCHES


@dataclass(frozen=True, slots=True)
class File:
    """A file in an index.

    Attributes:
        name: The file name.
        url: The address.
        version: The release.
        yanked: Whether the release was withdrawn (PEP 592).
        requires_python: The specifier of its Pythons; empty means all.
        metadata: Whether the index has its metadata as a file (PEP 658).
        metadata_sha256: The digest of that metadata, if the index states it.
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
        """Whether it is a wheel, not a source distribution."""
        return self.name.endswith(".whl")


@dataclass(frozen=True)
class Project:
    """The files of a project in an index.

    Attributes:
        name: The name in PEP 503 form.
        files: The wheels and source distributions.
    """

    name: str
    files: tuple[File, ...]
    _known: dict[str, tuple[Version, ...]] = field(default_factory=dict, compare=False)

    def installable(self, python: str) -> tuple[Version, ...]:
        """The releases that a minor version of Python can install, in ascending order.

        A release counts if it has a file that is not yanked and that admits a patch release of that
        Python. The platform tags of files are not considered.
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
        """The releases that all of these Pythons can install, in ascending order."""
        by_python = [set(self.installable(python)) for python in pythons]
        return tuple(sorted(set.intersection(*by_python))) if by_python else ()

    def of(self, version: Version) -> tuple[File, ...]:
        """The files of a release, wheels for every platform first."""
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
    """The version in the name of a wheel or source distribution; None for other files."""
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
        # Like pip, ignore an invalid specifier.
        return True
    return any(specifier.contains(f"{python}.{patch}") for patch in PATCHES)
