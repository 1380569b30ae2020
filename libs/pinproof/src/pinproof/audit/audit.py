"""Audits every pin, every dependency of the pins, and what is installed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timezone

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pinproof.audit.advisories import Advisory, Source
from pinproof.audit.advisories.source import AdvisoriesByName
from pinproof.audit.apply_ignores import apply_ignores
from pinproof.audit.audit_finding import AuditFinding, Blocker
from pinproof.audit.concurrent_map import Progress, silent
from pinproof.audit.graph import Graph, Node, build_graph
from pinproof.audit.impact import AuditInput, Impact, assess_impact
from pinproof.audit.index import PackageIndex
from pinproof.audit.installed import installed_requirements, installed_versions
from pinproof.audit.parents import Parents
from pinproof.audit.releases import Gaps, Releases
from pinproof.audit.skips import AppliedSkips, active_names, apply_skips
from pinproof.environment.interpreter import Installation
from pinproof.repository.pins import Pins, Scope
from pinproof.repository.policy import IgnoredAdvisory


@dataclass(frozen=True, slots=True)
class Audit:
    """The result of an audit.

    Attributes:
        findings: The findings that are not ignored, by file, line and advisory.
        ignored: The ignored findings, each with the entry that covers it.
        unused: The entries of the ignore list that cover nothing.
        distributions: Number of audited distributions.
        unpinned: Those of them that have no pin somewhere.
        direct: The places of direct references, which are not audited.
        unknown: Why a distribution, or its dependencies, could not be audited, by its name.
        skips: What the skip list covers.
    """

    findings: tuple[AuditFinding, ...]
    ignored: tuple[tuple[AuditFinding, IgnoredAdvisory], ...]
    unused: tuple[IgnoredAdvisory, ...]
    distributions: int
    unpinned: tuple[str, ...]
    direct: tuple[str, ...]
    unknown: Mapping[str, str]
    skips: AppliedSkips


@dataclass(frozen=True, slots=True)
class _View:
    """The graph of one scope on one Python."""

    graph: Graph
    releases: Releases
    platforms: tuple[str, ...]


def audit(
    pins: Pins,
    index: PackageIndex,
    source: Source,
    *,
    installation: Installation | None = None,
    today: date | None = None,
    progress: Progress = silent,
) -> Audit:
    """Find every advisory that affects what the pins admit or what is installed.

    Args:
        pins: The pins.
        index: The index with releases and their requirements.
        source: The source of advisories.
        installation: An environment that was made from the pins; only its Python is audited.
        today: The date that `pins.toml` is compared with. Default: the current one, in UTC.
        progress: Called after each step.

    Raises:
        WebError: The advisory server does not answer, or the index cannot be reached.
        AdvisoryError: The source has no advisories, or is incomplete.
        GraphError: The dependencies of the pins cannot be determined.
    """
    installed = installed_versions(installation)
    known = installed_requirements(installation)
    pythons = pins.policy.pythons
    if installation is not None:
        pythons = (installation.markers["python_version"],)
    day = today or datetime.now(tz=timezone.utc).date()
    gaps = Gaps(active_names(pins.policy.skips, day))
    views = []
    for python in pythons:
        releases = Releases(index, python, installed=known, progress=progress, gaps=gaps)
        for scope in pins.scopes:
            graph = build_graph(scope, pins.policy, releases)
            graph += _installed_extras(scope, graph, releases, installed)
            views.append(_View(graph, releases, pins.policy.platforms))
    advisories = source.advisories_for(_wanted(views, installed), progress)
    applied = apply_ignores(
        _findings(views, advisories, installed, pythons),
        pins.policy.ignores,
        day,
    )
    nodes = [node for view in views for node in view.graph]
    seen = {node.name for node in nodes} | gaps.reached | gaps.releases.keys()
    return Audit(
        findings=applied.kept,
        ignored=applied.ignored,
        # An entry that one file does not need may be needed by others.
        unused=applied.unused if pins.whole else (),
        distributions=len({node.name for node in nodes}),
        unpinned=tuple(sorted({node.name for node in nodes if not node.pinned})),
        direct=pins.direct,
        unknown=gaps.unknown,
        skips=apply_skips(pins.policy.skips, seen, day, whole=pins.whole),
    )


def _installed_extras(
    scope: Scope, graph: Graph, releases: Releases, installed: dict[str, Version]
) -> Graph:
    """The installed distributions that nothing requires."""
    extras = sorted(installed.keys() - {node.name for node in graph})
    releases.prefetch(extras)
    nodes = []
    for name in extras:
        if releases.gaps.lacks(name):
            continue
        node = Node(name, SpecifierSet(), pinned=False, pin=scope.pins[0])
        node.ceiling = max(releases.admitted(name, SpecifierSet()), default=installed[name])
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
        # An advisory server needs no name that the index does not know.
        if name in wanted:
            wanted[name].add(version)
    return wanted


def _findings(
    views: list[_View],
    advisories: AdvisoriesByName,
    installed: dict[str, Version],
    pythons: tuple[str, ...],
) -> Iterator[AuditFinding]:
    """Yield each finding once, with its Pythons unless it applies to all of them."""
    affected: defaultdict[str, list[str]] = defaultdict(list)
    found: dict[str, AuditFinding] = {}
    for view in views:
        for node in view.graph:
            for advisory in advisories[node.name]:
                finding = _assess(view, node, advisory, installed.get(node.name))
                if finding is not None:
                    key = f"{finding.path}:{finding.line}:{advisory.names}:{finding.message}"
                    found[key] = finding
                    affected[key].append(view.releases.python)
    for key, finding in found.items():
        some = tuple(python for python in pythons if python in affected[key])
        yield replace(finding, pythons=() if some == pythons else some)


def _assess(
    view: _View, node: Node, advisory: Advisory, installed: Version | None
) -> AuditFinding | None:
    parents = Parents(node, view.graph, view.releases, view.platforms)
    admitted = view.releases.admitted(node.name, node.specifier)
    impact = assess_impact(
        AuditInput(
            releases=view.releases.stable(node.name),
            admitted=admitted if node.pinned and admitted else (node.ceiling,),
            pinned=node.pinned,
            blockers=parents.blocking,
            affected=advisory.affects,
            installed=installed,
        )
    )
    if impact is None:
        return None
    return AuditFinding(
        name=node.name,
        subject=_subject(node),
        pinned=node.pinned,
        path=node.pin.path,
        line=node.pin.line,
        advisory=advisory,
        impact=impact,
        blockers=_blockers(impact, parents),
    )


def _subject(node: Node) -> str:
    if node.pinned:
        return f"{node.name}{node.specifier}"
    if node.required_by:
        return f"{node.name}, required by {' and '.join(sorted(node.required_by))}"
    return f"{node.name}, which nothing requires"


def _blockers(impact: Impact, parents: Parents) -> tuple[Blocker, ...]:
    blockers = []
    for name in sorted(impact.blockers):
        parent, required = parents.requirement_of(name)
        pin = f"{name}{parent.specifier}" if parent.pinned else name
        first = parents.first_admitting(name, impact.target) if impact.target else None
        blockers.append(Blocker(name, pin, parent.ceiling, required, first))
    return tuple(blockers)
