"""The parents of a distribution that block a version, and their first release that allows it."""

from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from pinproof.audit.graph import Graph, Node, applicable_environments
from pinproof.audit.releases import Releases

_BATCH_SIZE = 8
_MAX_RELEASES = 80


class Parents:
    """The distributions that require one distribution."""

    def __init__(
        self, node: Node, graph: Graph, releases: Releases, platforms: tuple[str, ...]
    ) -> None:
        self._node = node
        self._parents = {
            name: [parent for parent in graph if parent.name == name] for name in node.required_by
        }
        self._releases = releases
        self._platforms = platforms
        self.blocking = cache(self._blocking)

    def requirement_of(self, parent: str) -> tuple[Node, SpecifierSet]:
        """A parent, and the specifier that its newest release requires."""
        return self._parents[parent][0], self._node.required_by[parent]

    def first_admitting(self, parent: str, version: Version) -> Version | None:
        """The first release of a parent above its pin that admits a version.

        None if none of the next `_MAX_RELEASES` releases does.
        """
        node = self._parents[parent][0]
        later = [release for release in self._releases.stable(parent) if release > node.ceiling]
        for start in range(0, len(later[:_MAX_RELEASES]), _BATCH_SIZE):
            batch = later[start : start + _BATCH_SIZE]
            self._releases.prefetch_requirements((parent, release) for release in batch)
            for release in batch:
                if self._admits(node, release, version):
                    return release
        return None

    def _blocking(self, version: Version) -> frozenset[str]:
        """The parents that have no admitted release that admits a version.

        Of a parent without a pin only the newest release counts: nobody has chosen an older one.
        """
        return frozenset(
            name
            for name, required in self._node.required_by.items()
            if not required.contains(version, prereleases=True)
            and not any(
                self._admits(parent, release, version)
                for parent in self._parents[name]
                if parent.pinned
                for release in reversed(self._releases.admitted(name, parent.specifier))
            )
        )

    def _admits(self, parent: Node, release: Version, version: Version) -> bool:
        shared = parent.environments & self._node.environments
        return all(
            wanted.specifier.contains(version, prereleases=True)
            for wanted in self._releases.requirements(parent.name, release)
            if canonicalize_name(wanted.name) == self._node.name
            and shared
            & applicable_environments(wanted, parent.extras, self._releases.python, self._platforms)
        )
