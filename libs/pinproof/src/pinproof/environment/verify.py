"""Compares an environment with a requirements file: missing, wrong and extra distributions."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from modelseal.distributions import SourcedRequirement, walk_requirements
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pinproof.environment.interpreter import Distribution, Installation, inspect_interpreter
from pinproof.errors import PinproofError
from pinproof.python310 import StrEnum
from pinproof.repository.policy import POLICY_FILE, find_root, load_policy
from pinproof.repository.reader import load_file

INSTALLERS = frozenset({"pip", "setuptools", "wheel"})
"""The distributions that an environment may have from its creation. They are never extra."""


class UnusableRequirementsError(PinproofError):
    """A requirements file cannot be read."""


class MismatchKind(StrEnum):
    """The kinds of differences between an environment and a requirements file."""

    MISSING = "missing"
    WRONG_VERSION = "wrong-version"
    EXTRA = "extra"
    UNREADABLE = "unreadable-metadata"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference.

    Attributes:
        fault: The kind of difference.
        name: The distribution in PEP 503 form.
        installed: The installed version, if there is one.
        wanted: The specifier that it does not match.
        by: The source of the requirement: `file:line`, or a distribution. For an extra, the other
            extras that require it. For an excluded distribution, the reason.
    """

    fault: MismatchKind
    name: str
    installed: str | None
    wanted: str | None
    by: str

    @property
    def message(self) -> str:
        """The difference as a sentence."""
        match self.fault:
            case MismatchKind.MISSING:
                return f"{self.name}{self.wanted or ''} is not installed; {self.by} requires it"
            case MismatchKind.WRONG_VERSION:
                return (
                    f"{self.name} {self.installed} is installed; {self.by} requires {self.wanted}"
                )
            case MismatchKind.EXTRA:
                brought = f"only {self.by} requires it" if self.by else "nothing requires it"
                return f"{self.name} {self.installed} is installed; {brought}"
            case MismatchKind.UNREADABLE:
                return f"{self.name} requires {self.wanted!r}, which is not a requirement"
            case MismatchKind.EXCLUDED:
                excluded = f"{POLICY_FILE} excludes it ({self.by})"
                return f"{self.name} {self.installed} is installed; {excluded}"


@dataclass(frozen=True, slots=True)
class Verification:
    """The result for one environment and one file.

    Attributes:
        findings: The differences, sorted.
        installed: Number of installed distributions.
        first_party: Distributions from a source folder that the file does not require, which is
            expected. Their dependencies must be in the file.
        installers: Those of `INSTALLERS` that the file does not require.
    """

    findings: tuple[Mismatch, ...]
    installed: int
    first_party: tuple[str, ...]
    installers: tuple[str, ...]


def verify(requirements: Path, *, python: Path | None = None) -> Verification:
    """Compare an environment with a requirements file, its includes and its constraints.

    Any version satisfies a direct reference, because it names none. What the nearest `pins.toml`
    above the file excludes from its folder must not be installed, even if something requires it.

    Args:
        requirements: The requirements file.
        python: The interpreter of the environment. Default: the current one.

    Raises:
        UnusableRequirementsError: The file, or one that it includes, cannot be used.
        InterpreterError: The interpreter does not answer.
        PolicyError: `pins.toml` cannot be used.
    """
    if not requirements.is_file():
        raise UnusableRequirementsError(
            f"{requirements} is not a file.", remedy="Name a requirements file."
        )
    repository = load_file(requirements)
    if problems := repository.problems("/{}".format):
        raise UnusableRequirementsError("\n".join(problems) + ".", remedy="Correct these lines.")
    top = requirements.absolute().as_posix().removeprefix("/")
    included = repository.reachable(top)
    required: list[SourcedRequirement] = []
    constraints: list[SourcedRequirement] = []
    for line in repository.lines():
        if line.requirement is not None:
            file = os.path.relpath(line.path, PurePosixPath(top).parent)
            group = required if line.path in included else constraints
            group.append((f"{file}:{line.number}", line.requirement))
    root = find_root(requirements.absolute())
    excluded: Mapping[str, str] = {}
    if root is not None:
        path = requirements.absolute().relative_to(root).as_posix()
        excluded = load_policy(root).excluded_from(path)
    return compare(required, constraints, inspect_interpreter(python), excluded)


def compare(
    required: Iterable[SourcedRequirement],
    constraints: Iterable[SourcedRequirement],
    installation: Installation,
    excluded: Mapping[str, str] = MappingProxyType({}),
) -> Verification:
    """Compare requirements with what is installed.

    Args:
        required: The requirements, each after its `file:line`.
        constraints: The constraints, each after its `file:line`.
        installation: What is installed.
        excluded: The distributions that must not be installed, each with the reason.
    """
    distributions = installation.by_name()
    present = {name: found for name, found in distributions.items() if name not in excluded}
    stated, findings = _stated_requirements(present)
    reached: set[str] = set()
    walked = walk_requirements(required, lambda name: stated.get(name, ()), installation.markers)
    for source, requirement in walked:
        name = canonicalize_name(requirement.name)
        reached.add(name)
        if name not in excluded:
            findings.update(_mismatches(source, requirement, present.get(name)))
    findings = {
        each
        for each in findings
        if each.fault is not MismatchKind.UNREADABLE or each.name in reached
    }
    findings |= {
        Mismatch(MismatchKind.EXCLUDED, name, distributions[name].version, None, reason)
        for name, reason in excluded.items()
        if name in distributions
    }
    for source, constraint in walk_requirements(constraints, lambda _: (), installation.markers):
        if found := present.get(canonicalize_name(constraint.name)):
            findings.update(_mismatches(source, constraint, found))
    unreached = {name: found for name, found in present.items() if name not in reached}
    first_party = {
        name for name, found in unreached.items() if found.from_folder and name not in INSTALLERS
    }
    sources: defaultdict[str, set[str]] = defaultdict(set)
    for source in unreached:
        for _, further in walk_requirements(stated[source], lambda _: (), installation.markers):
            sources[canonicalize_name(further.name)].add(source)
    findings |= {
        Mismatch(MismatchKind.EXTRA, name, found.version, None, ", ".join(sorted(sources[name])))
        for name, found in unreached.items()
        if name not in first_party | INSTALLERS
    }
    return Verification(
        findings=tuple(sorted(findings, key=lambda finding: (finding.fault, finding.message))),
        installed=len(distributions),
        first_party=tuple(sorted(first_party)),
        installers=tuple(sorted(unreached.keys() & INSTALLERS)),
    )


def _stated_requirements(
    distributions: Mapping[str, Distribution],
) -> tuple[dict[str, list[SourcedRequirement]], set[Mismatch]]:
    """The requirements in the metadata of each distribution, and those that cannot be read."""
    stated: dict[str, list[SourcedRequirement]] = {name: [] for name in distributions}
    unreadable: set[Mismatch] = set()
    for name, found in distributions.items():
        for text in found.requires:
            try:
                stated[name].append((found.name, Requirement(text)))
            except InvalidRequirement:
                unreadable.add(Mismatch(MismatchKind.UNREADABLE, name, found.version, text, name))
    return stated, unreadable


def _mismatches(
    source: str, requirement: Requirement, found: Distribution | None
) -> Iterator[Mismatch]:
    name = canonicalize_name(requirement.name)
    wanted = str(requirement.specifier) or None
    if found is None:
        yield Mismatch(MismatchKind.MISSING, name, None, wanted, source)
    elif not requirement.specifier.contains(found.version, prereleases=True):
        yield Mismatch(MismatchKind.WRONG_VERSION, name, found.version, wanted, source)
