"""The dependency graph of one scope, from the metadata of the newest admitted releases.

This is not a resolver: it does not backtrack. It takes each distribution in the newest release that
its pin and the requirements of its parents admit, and follows the requirements of that release.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from pinproof.audit.releases import Releases
from pinproof.errors import PinproofError
from pinproof.repository.marker_environments import matching_environments
from pinproof.repository.pins import Pin, Scope
from pinproof.repository.policy import Policy

_MAX_ROUNDS = 60
_UNKNOWN = Version("0")


class GraphError(PinproofError):
    """The dependencies of the pins cannot be determined."""


class _NotInstallableError(PinproofError):
    """No release of a distribution can be installed."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """A requirement on a distribution, from a pin or from a parent."""

    name: str
    requirement: Requirement
    environments: frozenset[int]
    parent: str | None
    pin: Pin


@dataclass
class Node:
    """A distribution, under one pin or without a pin.

    Attributes:
        name: The distribution in PEP 503 form.
        specifier: The versions that its pin admits; without a pin, those that its parents admit.
        pinned: Whether it has a pin.
        pin: Its pin, or the pin that leads to it.
        environments: The environments that it is for, as indices.
        extras: The extras that its parents require.
        required_by: The requirements of its parents in their newest releases, by parent.
        ceiling: The newest release that can be installed.
    """

    name: str
    specifier: SpecifierSet
    pinned: bool
    pin: Pin
    environments: frozenset[int] = frozenset()
    extras: set[str] = field(default_factory=set)
    required_by: dict[str, SpecifierSet] = field(default_factory=dict)
    ceiling: Version = _UNKNOWN


Graph = tuple[Node, ...]


def build_graph(scope: Scope, policy: Policy, releases: Releases) -> Graph:
    """Find everything that is installed with the pins of a scope.

    Leaves out what the index does not answer for, and what cannot be installed, because a pin
    admits no release or requirements contradict each other. `releases.gaps` then names it.

    Raises:
        GraphError: The requirements never settle.
        OfflineError: The index cannot be reached.
    """
    excluded = policy.excluded_from(scope.policy_path)

    def environments(requirement: Requirement, extras: Iterable[str] = ()) -> frozenset[int]:
        return applicable_environments(requirement, extras, releases.python, policy.platforms)

    given = [
        _Edge(pin.name, pin.requirement, environments(pin.requirement), None, pin)
        for pin in scope.pins
        if not pin.requirement.url
    ]
    edges = given
    for _ in range(_MAX_ROUNDS):
        combined = _combine(edges, scope.limits)
        releases.prefetch(node.name for node in combined)
        nodes = [
            node
            for node in combined
            if not releases.gaps.lacks(node.name) and _set_ceiling(node, releases)
        ]
        releases.prefetch_requirements((node.name, node.ceiling) for node in nodes)
        found = [
            _Edge(canonicalize_name(wanted.name), wanted, shared, node.name, node.pin)
            for node in nodes
            for wanted in releases.requirements(node.name, node.ceiling)
            if canonicalize_name(wanted.name) not in excluded
            and (shared := node.environments & environments(wanted, node.extras))
        ]
        if [*given, *found] == edges:
            return tuple(nodes)
        edges = [*given, *found]
    raise GraphError(
        f"The dependencies of {scope.path} do not converge in {_MAX_ROUNDS} rounds.",
        remedy="Pin the dependencies of the pins.",
    )


def applicable_environments(
    requirement: Requirement, extras: Iterable[str], python: str, platforms: tuple[str, ...]
) -> frozenset[int]:
    """The environments of one Python that a requirement applies to, as indices.

    Args:
        requirement: The requirement.
        extras: The required extras of the distribution that states it.
        python: The minor version of Python.
        platforms: The platforms of the policy.
    """
    return frozenset[int]().union(
        *(
            matching_environments(requirement.marker, (python,), platforms, extra)
            for extra in {"", *extras}
        )
    )


def _combine(edges: list[_Edge], limits: tuple[Pin, ...]) -> list[Node]:
    """One node for each pin, and one for each distribution in environments without a pin of it."""
    pinned: dict[tuple[str, str], Node] = {}
    unpinned: dict[str, Node] = {}
    covered: defaultdict[str, frozenset[int]] = defaultdict(frozenset)
    for edge in edges:
        if edge.parent is None and edge.environments:
            specifier = _limited(edge.name, edge.requirement.specifier, limits)
            node = pinned.setdefault(
                (edge.name, str(specifier)), Node(edge.name, specifier, pinned=True, pin=edge.pin)
            )
            _add_edge(node, edge)
            node.environments |= edge.environments
            covered[edge.name] |= edge.environments
    for edge in edges:
        if edge.parent is None:
            continue
        for node in pinned.values():
            if node.name == edge.name and node.environments & edge.environments:
                _add_edge(node, edge)
        if uncovered := edge.environments - covered[edge.name]:
            specifier = _limited(edge.name, SpecifierSet(), limits)
            node = Node(edge.name, specifier, pinned=False, pin=edge.pin)
            node = unpinned.setdefault(edge.name, node)
            _add_edge(node, edge)
            node.environments |= uncovered
    return [*pinned.values(), *unpinned.values()]


def _add_edge(node: Node, edge: _Edge) -> None:
    specifier = edge.requirement.specifier
    node.extras |= {canonicalize_name(extra) for extra in edge.requirement.extras}
    if edge.parent is None or edge.parent == node.name:
        return
    node.required_by[edge.parent] = node.required_by.get(edge.parent, SpecifierSet()) & specifier
    if not node.pinned:
        node.specifier &= specifier


def _limited(name: str, specifier: SpecifierSet, limits: tuple[Pin, ...]) -> SpecifierSet:
    for limit in limits:
        if limit.name == name:
            specifier &= limit.requirement.specifier
    return specifier


def _set_ceiling(node: Node, releases: Releases) -> bool:
    """Find the newest release of a node. Returns whether it has one."""
    try:
        node.ceiling = _ceiling(node, releases)
    except _NotInstallableError as error:
        releases.gaps.conflicts[node.name] = str(error)
        return False
    return True


def _ceiling(node: Node, releases: Releases) -> Version:
    admitted = releases.admitted(node.name, node.specifier)
    if not admitted:
        parents = ", ".join(
            f"{parent} ({wanted or 'any'})" for parent, wanted in sorted(node.required_by.items())
        )
        required = f", required by {parents}," if parents else ""
        raise _NotInstallableError(
            f"{node.pin.place}: no release of {node.name}{node.specifier}{required} can be "
            f"installed on Python {releases.python}.",
            remedy=f"Correct the pin of {node.pin.name}, or pin {node.name} too.",
        )
    agreed = [
        version
        for version in admitted
        if all(each.contains(version, prereleases=True) for each in node.required_by.values())
    ]
    # If the newest release of a parent contradicts the pin, an older parent is installed.
    return max(agreed or admitted)
