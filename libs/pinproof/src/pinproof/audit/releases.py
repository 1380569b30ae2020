"""The releases that one Python can install, and their requirements."""

from collections.abc import Iterable, Mapping

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pinproof.audit.concurrent_map import Progress, concurrent_map
from pinproof.audit.index import Index, NoMetadataError

Installed = Mapping[str, tuple[Requirement, ...]]


class Releases:
    """The releases of an index for one Python."""

    def __init__(
        self, index: Index, python: str, *, installed: Installed, progress: Progress
    ) -> None:
        self.python = python
        self._index = index
        self._installed = installed
        self._progress = progress
        self._admitted: dict[tuple[str, SpecifierSet], tuple[Version, ...]] = {}

    def prefetch(self, names: Iterable[str]) -> None:
        """Request the releases of several distributions concurrently."""
        concurrent_map(self._index.project, names, what="releases", progress=self._progress)

    def prefetch_requirements(self, pairs: Iterable[tuple[str, Version]]) -> None:
        """Request the requirements of several releases concurrently."""
        concurrent_map(self._ask, pairs, what="metadata", progress=self._progress)

    def installable(self, name: str) -> tuple[Version, ...]:
        """The releases that this Python can install, in ascending order."""
        return self._index.project(name).installable(self.python)

    def stable(self, name: str) -> tuple[Version, ...]:
        """The installable releases that are not pre-releases."""
        return tuple(version for version in self.installable(name) if not version.is_prerelease)

    def admitted(self, name: str, specifier: SpecifierSet) -> tuple[Version, ...]:
        """The installable releases that a specifier admits, with pre-releases as for installers."""
        key = name, specifier
        if key not in self._admitted:
            self._admitted[key] = tuple(specifier.filter(self.installable(name)))
        return self._admitted[key]

    def requirements(self, name: str, version: Version) -> tuple[Requirement, ...]:
        """The requirements of a release in the index, or else of the installed one.

        Raises:
            NoMetadataError: Neither has requirements.
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
