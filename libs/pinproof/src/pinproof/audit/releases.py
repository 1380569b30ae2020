"""What one Python can install, and what each release asks for."""

from collections.abc import Iterable, Mapping

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pinproof.audit.concurrent_map import Progress, concurrent_map
from pinproof.audit.index import Index, NoMetadataError

__all__ = ["Releases"]

Installed = Mapping[str, tuple[Requirement, ...]]


class Releases:
    """An index as one Python sees it."""

    def __init__(
        self, index: Index, python: str, *, installed: Installed, progress: Progress
    ) -> None:
        self.python = python
        self._index = index
        self._installed = installed
        self._progress = progress
        self._admitted: dict[tuple[str, SpecifierSet], tuple[Version, ...]] = {}

    def know(self, names: Iterable[str]) -> None:
        """Ask for the releases of several distributions at a time."""
        concurrent_map(self._index.project, names, what="releases", progress=self._progress)

    def know_requirements(self, pairs: Iterable[tuple[str, Version]]) -> None:
        """Ask for the requirements of several releases at a time."""
        concurrent_map(self._ask, pairs, what="metadata", progress=self._progress)

    def installable(self, name: str) -> tuple[Version, ...]:
        """The releases that this Python can install, the oldest first."""
        return self._index.project(name).installable(self.python)

    def stable(self, name: str) -> tuple[Version, ...]:
        """Those that are no pre-releases."""
        return tuple(version for version in self.installable(name) if not version.is_prerelease)

    def admitted(self, name: str, specifier: SpecifierSet) -> tuple[Version, ...]:
        """Those that a specifier admits, with pre-releases where an installer would take them."""
        key = name, specifier
        if key not in self._admitted:
            self._admitted[key] = tuple(specifier.filter(self.installable(name)))
        return self._admitted[key]

    def requirements(self, name: str, version: Version) -> tuple[Requirement, ...]:
        """What a release asks for, as the index tells, or else what is installed under its name.

        Raises:
            NoMetadataError: Neither tells.
            WebError: The index does not answer.
        """
        return self._ask((name, version))

    def _ask(self, pair: tuple[str, Version]) -> tuple[Requirement, ...]:
        name, version = pair
        try:
            return self._index.requirements(name, version)
        except NoMetadataError:
            if name in self._installed:
                return self._installed[name]
            raise
