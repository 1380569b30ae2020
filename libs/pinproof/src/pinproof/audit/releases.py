"""The releases that one Python can install, and their requirements."""

from collections.abc import Collection, Iterable, Mapping

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pinproof.audit.concurrent_map import Progress, try_each
from pinproof.audit.index import NoMetadataError, PackageIndex

Installed = Mapping[str, tuple[Requirement, ...]]


class Gaps:
    """What an audit does not know, and goes on without.

    Attributes:
        skipped: The distributions that are not looked up.
        reached: Those of them that something requires.
        releases: Why the releases of a distribution are unknown, by its name.
        conflicts: Why no release of a distribution can be installed somewhere, by its name.
        requirements: Why the requirements of a release are unknown, by name and version.
    """

    def __init__(self, skipped: Collection[str] = ()) -> None:
        self.skipped = frozenset(skipped)
        self.reached: set[str] = set()
        self.releases: dict[str, str] = {}
        self.conflicts: dict[str, str] = {}
        self.requirements: dict[tuple[str, Version], str] = {}

    def lacks(self, name: str) -> bool:
        """Whether the releases of a distribution are unknown."""
        return name in self.skipped or name in self.releases

    @property
    def unknown(self) -> dict[str, str]:
        """Why a distribution was not audited, or not its dependencies, by its name, sorted."""
        requirements = {name: reason for (name, _), reason in self.requirements.items()}
        return dict(sorted((requirements | self.conflicts | self.releases).items()))


class Releases:
    """The releases of an index for one Python.

    Attributes:
        python: The minor version.
        gaps: What the index does not answer for.
    """

    def __init__(
        self,
        index: PackageIndex,
        python: str,
        *,
        installed: Installed,
        progress: Progress,
        gaps: Gaps | None = None,
    ) -> None:
        self.python = python
        self.gaps = gaps or Gaps()
        self._index = index
        self._installed = installed
        self._progress = progress
        self._admitted: dict[tuple[str, SpecifierSet], tuple[Version, ...]] = {}

    def prefetch(self, names: Iterable[str]) -> None:
        """Request the releases of several distributions concurrently.

        Raises:
            OfflineError: The index cannot be reached.
        """
        named = set(names)
        self.gaps.reached |= named & self.gaps.skipped
        wanted = sorted(name for name in named if not self.gaps.lacks(name))
        _, failures = try_each(
            self._index.project, wanted, what="releases", progress=self._progress
        )
        self.gaps.releases |= {name: str(error) for name, error in failures.items()}

    def prefetch_requirements(self, pairs: Iterable[tuple[str, Version]]) -> None:
        """Request the requirements of several releases concurrently.

        Raises:
            OfflineError: The index cannot be reached.
        """
        wanted = [pair for pair in pairs if pair not in self.gaps.requirements]
        _, failures = try_each(self._ask, wanted, what="metadata", progress=self._progress)
        self.gaps.requirements |= {pair: str(error) for pair, error in failures.items()}

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

        None if neither has them; then `gaps` says why.

        Raises:
            OfflineError: The index cannot be reached.
        """
        self.prefetch_requirements([(name, version)])
        return () if (name, version) in self.gaps.requirements else self._ask((name, version))

    def _ask(self, pair: tuple[str, Version]) -> tuple[Requirement, ...]:
        name, version = pair
        try:
            return self._index.requirements(name, version)
        except NoMetadataError:
            if name in self._installed:
                return self._installed[name]
            raise
