"""Whether an environment is what a requirements file says: all of it, and nothing more."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pinproof.environment.interpreter import Distribution, Installation, inspect_interpreter
from pinproof.errors import PinproofError
from pinproof.repository.loading import Repository, load_file
from pinproof.repository.policy import POLICY_FILE, find_root, load_policy
from pinproof.repository.requirements import Kind

__all__ = [
    "INSTALLERS",
    "Mismatch",
    "MismatchKind",
    "UnusableRequirementsError",
    "Verification",
    "Wish",
    "compare",
    "verify",
]

INSTALLERS = frozenset({"pip", "setuptools", "wheel"})
"""What creating an environment may leave in it: never an extra, whatever the file says."""


class UnusableRequirementsError(PinproofError):
    """A requirements file does not say what should be installed."""


class MismatchKind(StrEnum):
    """How an environment can differ from a requirements file."""

    MISSING = "missing"
    WRONG_VERSION = "wrong-version"
    EXTRA = "extra"
    UNREADABLE = "unreadable-metadata"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Wish:
    """A requirement, and who states it."""

    requirement: Requirement
    by: str

    @property
    def name(self) -> str:
        """The distribution in PEP 503 form."""
        return canonicalize_name(self.requirement.name)

    def applies(self, markers: Mapping[str, str], extra: str = "") -> bool:
        """Whether its marker holds in an environment, with one extra or with none."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate({**markers, "extra": extra})


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference.

    Attributes:
        fault: How it differs.
        name: The distribution in PEP 503 form.
        installed: The installed version, where there is one.
        wanted: The specifier that it should match, where one is broken.
        by: Who wants it: `file:line`, or the distribution whose metadata asks for it. For an
            extra, the installed distributions that ask for it and are none of the file's either.
            For what is excluded, the reason.
    """

    fault: MismatchKind
    name: str
    installed: str | None
    wanted: str | None
    by: str

    @property
    def message(self) -> str:
        """The difference in words."""
        match self.fault:
            case MismatchKind.MISSING:
                return f"{self.name}{self.wanted or ''} is not installed; {self.by} asks for it"
            case MismatchKind.WRONG_VERSION:
                return (
                    f"{self.name} {self.installed} is installed; {self.by} asks for {self.wanted}"
                )
            case MismatchKind.EXTRA:
                brought = f"only {self.by} asks for it" if self.by else "nothing asks for it"
                return f"{self.name} {self.installed} is installed; {brought}"
            case MismatchKind.UNREADABLE:
                return f"{self.name} asks for {self.wanted!r}, which is no requirement"
            case MismatchKind.EXCLUDED:
                excluded = f"{POLICY_FILE} excludes it ({self.by})"
                return f"{self.name} {self.installed} is installed; {excluded}"


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome for one environment and one file.

    Attributes:
        findings: The differences, sorted.
        installed: How many distributions are installed.
        first_party: Those that were installed from a folder of source, editable or not, and that
            the file does not ask for. They are expected beside it, and what they ask for must
            stand in the file.
        installers: Those of `INSTALLERS` that the file does not ask for.
    """

    findings: tuple[Mismatch, ...]
    installed: int
    first_party: tuple[str, ...]
    installers: tuple[str, ...]


def verify(requirements: Path, *, python: Path | None = None) -> Verification:
    """Compare an environment with a requirements file, its includes and its constraints.

    A direct reference counts as satisfied by any version, because it names none. What the policy
    excludes from the file's folder (in the nearest `pins.toml` above it) must not be installed,
    whatever asks for it.

    Args:
        requirements: The file.
        python: The interpreter of the environment; by default the one that runs this.

    Raises:
        UnusableRequirementsError: The file, or one that it includes, cannot be used.
        InterpreterError: The interpreter does not answer.
        PolicyError: `pins.toml` cannot be used.
    """
    if not requirements.is_file():
        raise UnusableRequirementsError(
            f"{requirements} is no file.", remedy="Name a requirements file."
        )
    repository = load_file(requirements)
    _refuse_unusable(repository)
    wishes, constraints = _wishes(requirements, repository)
    excluded = _excluded_from(requirements.absolute())
    return compare(wishes, constraints, inspect_interpreter(python), excluded)


def compare(
    wishes: Iterable[Wish],
    constraints: Iterable[Wish],
    installation: Installation,
    excluded: Mapping[str, str] = MappingProxyType({}),
) -> Verification:
    """Compare what is asked for with what is installed.

    Args:
        wishes: What is asked for.
        constraints: What limits it.
        installation: What is installed.
        excluded: What must not be installed, each with the reason.
    """
    markers = installation.markers
    distributions = installation.by_name()
    present = {name: found for name, found in distributions.items() if name not in excluded}
    reached, findings = _follow(wishes, present, markers)
    findings = {finding for finding in findings if finding.name not in excluded}
    findings |= {
        Mismatch(MismatchKind.EXCLUDED, name, distributions[name].version, None, reason)
        for name, reason in excluded.items()
        if name in distributions
    }
    for constraint in constraints:
        if constraint.name in present and constraint.applies(markers):
            findings |= _broken(constraint, present[constraint.name])
    unreached = {name: found for name, found in present.items() if name not in reached}
    first_party = {
        name for name, found in unreached.items() if found.from_folder and name not in INSTALLERS
    }
    findings |= {
        finding
        for finding in _extras(unreached, markers)
        if finding.name not in first_party | INSTALLERS
    }
    return Verification(
        findings=tuple(sorted(findings, key=lambda finding: (finding.fault, finding.message))),
        installed=len(distributions),
        first_party=tuple(sorted(first_party)),
        installers=tuple(sorted(unreached.keys() & INSTALLERS)),
    )


def _excluded_from(requirements: Path) -> Mapping[str, str]:
    root = find_root(requirements)
    if root is None:
        return {}
    return load_policy(root).excluded_from(requirements.relative_to(root).as_posix())


def _follow(
    wishes: Iterable[Wish], distributions: Mapping[str, Distribution], markers: Mapping[str, str]
) -> tuple[set[str], set[Mismatch]]:
    """Which distributions the wishes lead to, by metadata, and what is broken on the way."""
    findings: set[Mismatch] = set()
    expanded: set[tuple[str, str]] = set()
    pending = [wish for wish in wishes if wish.applies(markers)]
    while pending:
        wish = pending.pop()
        found = distributions.get(wish.name)
        findings |= _broken(wish, found)
        if found is None:
            continue
        for extra in {"", *wish.requirement.extras}:
            if (wish.name, extra) not in expanded:
                expanded.add((wish.name, extra))
                asked, unreadable = _asked_by(found)
                findings |= unreadable
                pending += [further for further in asked if further.applies(markers, extra)]
    return {name for name, _ in expanded}, findings


def _extras(
    unreached: Mapping[str, Distribution], markers: Mapping[str, str]
) -> Iterator[Mismatch]:
    askers: defaultdict[str, set[str]] = defaultdict(set)
    for asker, distribution in unreached.items():
        for wish in _asked_by(distribution)[0]:
            if wish.applies(markers):
                askers[wish.name].add(asker)
    for name, distribution in unreached.items():
        by = ", ".join(sorted(askers[name]))
        yield Mismatch(MismatchKind.EXTRA, name, distribution.version, None, by)


def _refuse_unusable(repository: Repository) -> None:
    faults = [f"/{fault.path}:{fault.line}: {fault.message}" for fault in repository.unusable]
    faults += [
        f"/{line.path}:{line.number}: {line.excerpt!r} is no requirement ({line.error})"
        for line in repository.lines()
        if line.kind is Kind.INVALID
    ]
    if faults:
        raise UnusableRequirementsError("\n".join(faults) + ".", remedy="Correct these lines.")


def _wishes(requirements: Path, repository: Repository) -> tuple[list[Wish], list[Wish]]:
    """What the file and its includes ask for, and what its constraints limit."""
    top = requirements.absolute().as_posix().removeprefix("/")
    included = repository.reachable(top)
    wishes: list[Wish] = []
    constraints: list[Wish] = []
    for line in repository.lines():
        if line.requirement is not None:
            place = os.path.relpath(line.path, PurePosixPath(top).parent)
            wish = Wish(line.requirement, f"{place}:{line.number}")
            (wishes if line.path in included else constraints).append(wish)
    return wishes, constraints


def _broken(wish: Wish, found: Distribution | None) -> set[Mismatch]:
    specifier = wish.requirement.specifier
    wanted = str(specifier) or None
    if found is None:
        return {Mismatch(MismatchKind.MISSING, wish.name, None, wanted, wish.by)}
    if specifier.contains(found.version, prereleases=True):
        return set()
    return {Mismatch(MismatchKind.WRONG_VERSION, wish.name, found.version, wanted, wish.by)}


def _asked_by(distribution: Distribution) -> tuple[list[Wish], set[Mismatch]]:
    """What a distribution's metadata asks for, under every extra, and what is unreadable in it."""
    asked: list[Wish] = []
    unreadable: set[Mismatch] = set()
    for text in distribution.requires:
        try:
            asked.append(Wish(Requirement(text), distribution.name))
        except InvalidRequirement:
            name = canonicalize_name(distribution.name)
            unreadable.add(
                Mismatch(MismatchKind.UNREADABLE, name, distribution.version, text, name)
            )
    return asked, unreadable
