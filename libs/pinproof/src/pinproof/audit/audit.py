"""The audit: every pin, everything the pins bring along, and what is installed."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pinproof.audit.advisories import Advisory, Source
from pinproof.audit.advisories.source import Affecting
from pinproof.audit.apply_ignores import apply_ignores
from pinproof.audit.concurrent_map import Progress, silent
from pinproof.audit.environment import installed_requirements, installed_versions
from pinproof.audit.finding import AuditFinding, Blocker
from pinproof.audit.graph import Graph, Node, follow
from pinproof.audit.impact import AuditInput, Impact, assess_impact
from pinproof.audit.index import Index
from pinproof.audit.marker_scope import MarkerScope
from pinproof.audit.parents import Parents
from pinproof.audit.releases import Releases
from pinproof.environment.interpreter import Installation
from pinproof.repository.pins import Pins, Scope
from pinproof.repository.policy import IgnoredAdvisory

__all__ = ["Audit", "audit"]


@dataclass(frozen=True, slots=True)
class Audit:
    """The outcome.

    Attributes:
        findings: What nothing ignores, by file, line and advisory.
        ignored: What is ignored, each with the entry that covers it.
        unused: The entries of the ignore list that cover nothing.
        distributions: How many distributions were looked at.
        unpinned: Those of them that have no pin somewhere.
        direct: The places of direct references, which were not looked at.
    """

    findings: tuple[AuditFinding, ...]
    ignored: tuple[tuple[AuditFinding, IgnoredAdvisory], ...]
    unused: tuple[IgnoredAdvisory, ...]
    distributions: int
    unpinned: tuple[str, ...]
    direct: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _View:
    """One scope as one Python sees it."""

    scope: Scope
    graph: Graph
    releases: Releases
    markers: MarkerScope


def audit(
    pins: Pins,
    index: Index,
    source: Source,
    *,
    installation: Installation | None = None,
    today: date | None = None,
    progress: Progress = silent,
) -> Audit:
    """Find every advisory that affects what the pins admit or what is installed.

    Args:
        pins: The pins.
        index: Where releases and what they ask for are had.
        source: Where advisories are had.
        installation: An environment that was made from the pins; its Python alone is looked at.
        today: The day that the ignore list is compared with; by default the current one, in UTC.
        progress: Is told how far it is.

    Raises:
        WebError: A server does not answer.
        AdvisoryError: The source has no advisories, or not all.
        GraphError: What the pins lead to cannot be found out.
    """
    installed = installed_versions(installation)
    known = installed_requirements(installation)
    pythons = pins.policy.pythons
    if installation is not None:
        pythons = (installation.markers["python_version"],)
    views = []
    for python in pythons:
        releases = Releases(index, python, installed=known, progress=progress)
        markers = MarkerScope(python, pins.policy.platforms)
        for scope in pins.scopes:
            graph = follow(scope, pins.policy, releases)
            graph += _beside(scope, graph, releases, installed)
            views.append(_View(scope, graph, releases, markers))
    advisories = source.affecting(_wanted(views, installed), progress)
    applied = apply_ignores(
        _findings(views, advisories, installed, pythons),
        pins.policy.ignores,
        today or datetime.now(tz=UTC).date(),
    )
    nodes = [node for view in views for node in view.graph]
    return Audit(
        findings=applied.kept,
        ignored=applied.ignored,
        # One file alone says nothing of the entries that others need.
        unused=applied.unused if pins.whole else (),
        distributions=len({node.name for node in nodes}),
        unpinned=tuple(sorted({node.name for node in nodes if not node.pinned})),
        direct=pins.direct,
    )


def _beside(scope: Scope, graph: Graph, releases: Releases, installed: dict[str, Version]) -> Graph:
    """What is installed and nothing leads to."""
    extras = sorted(installed.keys() - {node.name for node in graph})
    releases.know(extras)
    nodes = []
    for name in extras:
        every = releases.admitted(name, SpecifierSet())
        node = Node(name, SpecifierSet(), pinned=False, pin=scope.pins[0])
        node.ceiling = max(every, default=installed[name])
        nodes.append(node)
    return tuple(nodes)


def _wanted(views: list[_View], installed: dict[str, Version]) -> dict[str, set[Version]]:
    wanted: defaultdict[str, set[Version]] = defaultdict(set)
    for view in views:
        for node in view.graph:
            wanted[node.name].add(node.ceiling)
            if node.pinned:
                wanted[node.name] |= set(view.releases.admitted(node.name, node.specifier))
    for name, version in installed.items():
        wanted[name].add(version)
    return wanted


def _findings(
    views: list[_View],
    advisories: Affecting,
    installed: dict[str, Version],
    pythons: tuple[str, ...],
) -> Iterator[AuditFinding]:
    """Yield each finding once, with the Pythons that it holds for unless it holds for all."""
    holding: defaultdict[str, list[str]] = defaultdict(list)
    found: dict[str, AuditFinding] = {}
    for view in views:
        for node in view.graph:
            for advisory in advisories[node.name]:
                finding = _assess(view, node, advisory, installed.get(node.name))
                if finding is not None:
                    key = f"{finding.path}:{finding.line}:{advisory.names}:{finding.message}"
                    found[key] = finding
                    holding[key].append(view.releases.python)
    for key, finding in found.items():
        some = tuple(python for python in pythons if python in holding[key])
        yield replace(finding, pythons=() if some == pythons else some)


def _assess(
    view: _View, node: Node, advisory: Advisory, installed: Version | None
) -> AuditFinding | None:
    parents = Parents(node, view.graph, view.releases, view.markers)
    verdict = assess_impact(
        AuditInput(
            releases=view.releases.stable(node.name),
            admitted=_admitted(view, node),
            pinned=node.pinned,
            blockers=parents.blocking,
            affected=advisory.affects,
            installed=installed,
        )
    )
    if verdict is None:
        return None
    return AuditFinding(
        name=node.name,
        what=_what(node),
        pinned=node.pinned,
        path=node.pin.path,
        line=node.pin.line,
        advisory=advisory,
        verdict=verdict,
        blockers=_blockers(verdict, parents),
    )


def _admitted(view: _View, node: Node) -> tuple[Version, ...]:
    admitted = view.releases.admitted(node.name, node.specifier)
    return admitted if node.pinned and admitted else (node.ceiling,)


def _what(node: Node) -> str:
    if node.pinned:
        return f"{node.name}{node.specifier}"
    if node.asks:
        return f"{node.name}, which {' and '.join(sorted(node.asks))} brings along"
    return f"{node.name}, which nothing asks for"


def _blockers(verdict: Impact, parents: Parents) -> tuple[Blocker, ...]:
    blockers = []
    for name in sorted(verdict.blockers):
        parent, asked = parents.asks(name)
        pin = f"{name}{parent.specifier}" if parent.pinned else name
        first = parents.first_admitting(name, verdict.target) if verdict.target else None
        blockers.append(Blocker(name, pin, parent.ceiling, asked, first))
    return tuple(blockers)
