"""Every dependency of a service's pins is pinned.

Forbidden, in every service of `pins.toml`: a dependency without a `~=` line of its own, on any
supported Python and platform; a pin that the closure record does not contain, or contains in
another series; a record that is missing or was made for other Pythons, platforms, exclusions or
files; and a pin on a distribution that `pins.toml` excludes. The line belongs in
requirements-prod.txt; in requirements-dev.txt if only development needs it; or in the further
requirements file of the folder that needs it and includes one of the two, for example for training.

Why: only its own metadata bounds what a pinned distribution requires, and often not at all. Two
thirds of an environment can change while every direct requirement is pinned.

Instead: run `pinproof sync`, and commit the files that it writes. It resolves with uv. This rule
works offline: it compares the record of sync, pins-closure.json, with the files.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pinproof.repository.closure_record import RECORD_FILE, Closure, ClosureError, RecordedPin
from pinproof.repository.marker_environments import matching_environments
from pinproof.repository.policy import DEV, POLICY_FILE, PROD
from pinproof.repository.reader import Repository
from pinproof.repository.requirements import Line, shorten
from pinproof.violations import Violation

CODE = "PIN008"

_SYNC = "run pinproof sync"


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every difference between the closure record and the files of a service."""
    for service in repository.policy.services:
        production = str(PurePosixPath(service, PROD))
        development = str(PurePosixPath(service, DEV))
        if production not in repository.files or development not in repository.files:
            continue
        yield from _excluded(repository, service)
        record = f"{service}/{RECORD_FILE}"
        closure = repository.closures.get(service)
        if closure is None:
            if not any(fault.path == record for fault in repository.unusable):
                yield Violation(production, 1, CODE, f"{record} is missing: {_SYNC}")
        elif fault := _outdated(closure, service, repository):
            yield Violation(record, 1, CODE, f"{fault}: {_SYNC}")
        else:
            for path, base in repository.layers(service).items():
                below = repository.reachable(base) if base else set[str]()
                own = repository.reachable(path) - below
                recorded = closure.files[PurePosixPath(path).name]
                excluded = repository.policy.excluded_from(service)
                comparison = _Comparison(repository, path, own, below, excluded)
                try:
                    yield from comparison.violations(recorded)
                except ClosureError as error:
                    yield Violation(record, 1, CODE, f"{error}: {_SYNC}")


def _excluded(repository: Repository, service: str) -> Iterator[Violation]:
    excluded = repository.policy.excluded_from(service)
    for path, lines in repository.files.items():
        if excluded and PurePosixPath(path).is_relative_to(service):
            for line in lines:
                if line.name in excluded:
                    message = (
                        f"{POLICY_FILE} excludes {line.name} ({excluded[line.name]}): "
                        "remove this line, or the exclusion"
                    )
                    yield Violation(path, line.number, CODE, message, line.name)


def _outdated(closure: Closure, service: str, repository: Repository) -> str:
    policy = repository.policy
    files = [PurePosixPath(path).name for path in repository.layers(service)]
    for what, recorded, wanted in (
        (f"Pythons than {POLICY_FILE} names", closure.pythons, policy.pythons),
        (f"platforms than {POLICY_FILE} names", closure.platforms, policy.platforms),
        (f"exclusions than {POLICY_FILE} names", closure.excluded, policy.excluded_from(service)),
        (f"files than {service} has", closure.files, files),
    ):
        if set(recorded) != set(wanted):
            return f"it was made for other {what}"
    return ""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Compares a requirements file and its includes with their record.

    Attributes:
        repository: The repository.
        path: The file.
        files: The file and its includes, without those of the file that it builds on.
        below: The file that it builds on, with its includes.
        excluded: The excluded distributions, which are reported separately.
    """

    repository: Repository
    path: str
    files: set[str]
    below: set[str]
    excluded: Mapping[str, str]

    def violations(self, recorded: Sequence[RecordedPin]) -> Iterator[Violation]:
        lines = [line for line in self._lines(self.files) if line.requirement]
        written = {str(line.requirement) for line in lines}
        known = {entry.pin for entry in recorded}
        if written == known:
            return
        pins: defaultdict[str, list[Requirement]] = defaultdict(list)
        for entry in recorded:
            requirement = entry.requirement
            pins[canonicalize_name(requirement.name)].append(requirement)
        for line in lines:
            if str(line.requirement) not in known and line.name not in self.excluded:
                yield from self._unknown(line, pins)
        for entry in recorded:
            if entry.pin not in written:
                yield from self._unpinned(entry)

    def _unknown(self, line: Line, pins: Mapping[str, list[Requirement]]) -> Iterator[Violation]:
        """Report a line that is not covered by the record."""
        requirement = line.requirement
        name = line.name
        if requirement is None or name is None:
            return
        uncovered = self._environments(requirement)
        for pin in pins[name]:
            if requirement.extras <= pin.extras and _is_within(requirement, pin):
                uncovered -= self._environments(pin)
        if uncovered:
            recorded = ", ".join(shorten(str(pin)) for pin in pins[name]) or "nothing of it"
            message = f"{shorten(str(requirement))} is not recorded ({recorded} is): {_SYNC}"
            yield Violation(line.path, line.number, CODE, message, name)

    def _unpinned(self, entry: RecordedPin) -> Iterator[Violation]:
        """Report a recorded distribution without a line."""
        name = canonicalize_name(entry.requirement.name)
        uncovered = self._environments(entry.requirement)
        for line in self._lines(self.files | self.below):
            if line.name == name and line.requirement:
                uncovered -= self._environments(line.requirement)
        if uncovered:
            required = f", required by {', '.join(entry.via)}," if entry.via else ""
            message = f"{name}{required} has no pin ({shorten(entry.pin)} is recorded): {_SYNC}"
            yield Violation(self.path, 1, CODE, message, name)

    def _lines(self, files: set[str]) -> Iterator[Line]:
        for path in sorted(files):
            yield from self.repository.files[path]

    def _environments(self, requirement: Requirement) -> frozenset[int]:
        policy = self.repository.policy
        return matching_environments(requirement.marker, policy.pythons, policy.platforms)


def _is_within(requirement: Requirement, recorded: Requirement) -> bool:
    """Whether a requirement admits only recorded versions, as after a patch update."""
    inner, outer = (
        SpecifierSet(str(each.specifier), prereleases=True) for each in (requirement, recorded)
    )
    return inner.is_subset(outer)
