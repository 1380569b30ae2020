"""Who keeps a version of a distribution out, and which of their releases would not."""

from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from pinproof.audit.graph import Graph, Node
from pinproof.audit.marker_scope import MarkerScope
from pinproof.audit.releases import Releases

__all__ = ["Parents"]

_AT_A_TIME = 8
_MOST_LOOKED_AT = 80


class Parents:
    """Those who ask for one distribution."""

    def __init__(self, node: Node, graph: Graph, releases: Releases, markers: MarkerScope) -> None:
        self._node = node
        self._parents = {
            name: [parent for parent in graph if parent.name == name] for name in node.asks
        }
        self._releases = releases
        self._applying = markers
        self.blocking = cache(self._blocking)

    def asks(self, parent: str) -> tuple[Node, SpecifierSet]:
        """A parent, and what its newest release asks for."""
        return self._parents[parent][0], self._node.asks[parent]

    def first_admitting(self, parent: str, version: Version) -> Version | None:
        """The first release of a parent above its pin that admits a version.

        None if no such release is among the next `_MOST_LOOKED_AT`.
        """
        node = self._parents[parent][0]
        later = [one for one in self._releases.stable(parent) if one > node.ceiling]
        later = later[:_MOST_LOOKED_AT]
        for start in range(0, len(later), _AT_A_TIME):
            some = later[start : start + _AT_A_TIME]
            self._releases.know_requirements((parent, release) for release in some)
            for release in some:
                if self._admits(node, release, version):
                    return release
        return None

    def _blocking(self, version: Version) -> frozenset[str]:
        """The parents no admitted release of which admits a version.

        One without a pin is looked at in its newest release alone: what else it admits is unbounded
        and nobody's choice.
        """
        return frozenset(
            name
            for name, asked in self._node.asks.items()
            if not asked.contains(version, prereleases=True)
            and not any(
                self._admits(parent, release, version)
                for parent in self._parents[name]
                if parent.pinned
                for release in reversed(self._releases.admitted(name, parent.specifier))
            )
        )

    def _admits(self, parent: Node, release: Version, version: Version) -> bool:
        return all(
            wanted.specifier.contains(version, prereleases=True)
            for wanted in self._releases.requirements(parent.name, release)
            if canonicalize_name(wanted.name) == self._node.name
            and self._applying.where(wanted, parent.extras) & parent.where & self._node.where
        )
