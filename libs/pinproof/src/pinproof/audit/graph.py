"""What the pins of one scope lead to, by the metadata of the newest release that each admits.

This is no resolver: nothing is tried and taken back. A distribution is taken in the newest release
that its pin and everybody who asks for it admit, and what that release asks for is followed.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from pinproof.audit.marker_scope import MarkerScope
from pinproof.audit.releases import Releases
from pinproof.errors import PinproofError
from pinproof.repository.pins import Pin, Scope
from pinproof.repository.policy import Policy

__all__ = ["Graph", "GraphError", "Node", "follow"]

_MOST_ROUNDS = 60
_UNKNOWN = Version("0")


class GraphError(PinproofError):
    """What the pins lead to cannot be found out."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """Somebody asks for a distribution: a pin, or a parent."""

    name: str
    requirement: Requirement
    where: frozenset[int]
    parent: str | None
    pin: Pin


@dataclass
class Node:
    """One distribution under one pin, or under none.

    Attributes:
        name: The distribution in PEP 503 form.
        specifier: What its pin admits; without a pin, what everybody who asks for it admits.
        pinned: Whether it has a pin.
        pin: Its pin, or the one that brings it along.
        where: The environments that it is for, by their places.
        extras: The extras that somebody asks for.
        asks: What others ask for, by their names, in their newest releases.
        ceiling: The newest release that can be installed.
    """

    name: str
    specifier: SpecifierSet
    pinned: bool
    pin: Pin
    where: frozenset[int] = frozenset()
    extras: set[str] = field(default_factory=set)
    asks: dict[str, SpecifierSet] = field(default_factory=dict)
    ceiling: Version = _UNKNOWN


Graph = tuple[Node, ...]


def follow(scope: Scope, policy: Policy, releases: Releases) -> Graph:
    """Find everything that is installed with the pins of a scope.

    Raises:
        GraphError: A pin admits no release, or requirements contradict each other.
        WebError: The index does not answer.
    """
    markers = MarkerScope(releases.python, policy.platforms)
    excluded = policy.excluded_from(scope.policy_path)
    given = [
        _Ask(pin.name, pin.requirement, markers.where(pin.requirement), None, pin)
        for pin in scope.pins
        if not pin.requirement.url
    ]
    asks = given
    for _ in range(_MOST_ROUNDS):
        nodes = _combine(asks, scope.limits)
        releases.know(node.name for node in nodes)
        for node in nodes:
            node.ceiling = _ceiling(node, releases)
        releases.know_requirements((node.name, node.ceiling) for node in nodes)
        found = [
            _Ask(canonicalize_name(wanted.name), wanted, place, node.name, node.pin)
            for node in nodes
            for wanted in releases.requirements(node.name, node.ceiling)
            if canonicalize_name(wanted.name) not in excluded
            and (place := node.where & markers.where(wanted, node.extras))
        ]
        if [*given, *found] == asks:
            return tuple(nodes)
        asks = [*given, *found]
    raise GraphError(
        f"What {scope.path} leads to does not settle in {_MOST_ROUNDS} rounds.",
        remedy="Pin what the pins bring along.",
    )


def _combine(asks: list[_Ask], limits: tuple[Pin, ...]) -> list[Node]:
    """One node for each pin, and one for each distribution in environments without a pin of it."""
    pinned: dict[tuple[str, str], Node] = {}
    loose: dict[str, Node] = {}
    covered: defaultdict[str, frozenset[int]] = defaultdict(frozenset)
    for ask in asks:
        if ask.parent is None and ask.where:
            specifier = _limited(ask.name, ask.requirement.specifier, limits)
            node = pinned.setdefault(
                (ask.name, str(specifier)), Node(ask.name, specifier, pinned=True, pin=ask.pin)
            )
            _note(node, ask)
            node.where |= ask.where
            covered[ask.name] |= ask.where
    for ask in asks:
        if ask.parent is None:
            continue
        for node in pinned.values():
            if node.name == ask.name and node.where & ask.where:
                _note(node, ask)
        if uncovered := ask.where - covered[ask.name]:
            specifier = _limited(ask.name, SpecifierSet(), limits)
            node = loose.setdefault(ask.name, Node(ask.name, specifier, pinned=False, pin=ask.pin))
            _note(node, ask)
            node.where |= uncovered
    return [*pinned.values(), *loose.values()]


def _note(node: Node, ask: _Ask) -> None:
    """Keep what somebody asks for."""
    node.extras |= {canonicalize_name(extra) for extra in ask.requirement.extras}
    if ask.parent is None or ask.parent == node.name:
        return
    node.asks[ask.parent] = node.asks.get(ask.parent, SpecifierSet()) & ask.requirement.specifier
    if not node.pinned:
        node.specifier &= ask.requirement.specifier


def _limited(name: str, specifier: SpecifierSet, limits: tuple[Pin, ...]) -> SpecifierSet:
    for limit in limits:
        if limit.name == name:
            specifier &= limit.requirement.specifier
    return specifier


def _ceiling(node: Node, releases: Releases) -> Version:
    admitted = releases.admitted(node.name, node.specifier)
    if not admitted:
        by = ", ".join(
            f"{parent} ({asked or 'any'})" for parent, asked in sorted(node.asks.items())
        )
        wanted = f"{node.name}{node.specifier}" + (f", which {by} wants," if by else "")
        raise GraphError(
            f"{node.pin.place}: no release of {wanted} can be installed on Python "
            f"{releases.python}.",
            remedy=f"Correct the pin of {node.pin.name}, or pin {node.name} too.",
        )
    agreed = [
        version
        for version in admitted
        if all(asked.contains(version, prereleases=True) for asked in node.asks.values())
    ]
    # Where a parent's newest release disagrees with the pin, an older one of the parent is taken.
    return max(agreed or admitted)
