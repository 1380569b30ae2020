"""Keeps the transitive pins and the closure record of every service of a repository."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pinproof.closure.pinfile import PinFile
from pinproof.closure.plan import Question, transitive_pins, via_of
from pinproof.closure.resolver import Resolver, UnsatisfiableError
from pinproof.closure.writing import clean_up, replace_files
from pinproof.errors import PinproofError
from pinproof.repository.closure_record import RECORD_FILE, Closure, RecordedPin, dump_closure
from pinproof.repository.loading import Repository, load_repository
from pinproof.repository.requirements import Kind

__all__ = ["Change", "SyncError", "sync"]


class SyncError(PinproofError):
    """The repository is not in a state that its pins can be resolved from."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one file.

    Attributes:
        path: The file, relative to the root.
        added: The lines that it gains.
        removed: The lines that it loses.
    """

    path: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


def sync(
    root: Path,
    uv: Path,
    *,
    upgrade: Collection[str] = (),
    write: bool = True,
    say: Callable[[str], None] | None = None,
) -> list[Change]:
    """Resolve the pins of every service, and write what is missing below them.

    All services are resolved before anything is written.

    Args:
        root: The root of the repository.
        uv: The resolver.
        upgrade: Distributions whose transitive pins are made anew, at what is newest now.
        write: Whether to change files, or only to tell what would change.
        say: Is told what is being done.

    Returns:
        The files that change.

    Raises:
        SyncError: There is no service, or a requirements file is missing or unusable.
        UnsatisfiableError: Pins contradict each other.
        ResolverError: uv failed.
    """
    if write:
        clean_up(root / service for service in load_repository(root).policy.services)
    run = _Run(root, uv, frozenset[str](map(canonicalize_name, upgrade)), say)
    texts = run.texts()
    changed = {path: text for path, text in texts.items() if text != _read(root / path)}
    changes = [_change(path, _read(root / path), text) for path, text in changed.items()]
    if write:
        replace_files({root / path: text for path, text in changed.items()})
    return changes


class _Run:
    """One run over a repository."""

    def __init__(
        self, root: Path, uv: Path, upgrade: frozenset[str], say: Callable[[str], None] | None
    ) -> None:
        self._root = root
        self._uv = uv
        self._upgrade = upgrade
        self._say = say
        self._repository = load_repository(root)
        self._known = _known_versions(self._repository)

    def texts(self) -> dict[str, str]:
        """The new text of each requirements file, and after them those of the records.

        In this order, whoever is killed between two files leaves requirements that the records do
        not describe, which PIN008 reports.
        """
        services = self._repository.policy.services
        if not services:
            raise SyncError(
                "pins.toml names no service.", remedy="List the folders under policy.services."
            )
        _refuse_unusable(self._repository)
        requirements: dict[str, str] = {}
        records: dict[str, str] = {}
        for number, service in enumerate(services, start=1):
            pinned, record = self._service(service, f"[{number}/{len(services)}] {service}")
            requirements |= pinned
            records[f"{service}/{RECORD_FILE}"] = record
        return requirements | records

    def _service(self, service: str, title: str) -> tuple[dict[str, str], str]:
        policy = self._repository.policy
        excluded = policy.excluded_from(service)
        resolver = Resolver(self._uv, policy, excluded)
        texts: dict[str, str] = {}
        listed: dict[str, tuple[RecordedPin, ...]] = {}
        settled: dict[str, tuple[Requirement, ...]] = {}
        for path, base in self._repository.layers(service).items():
            name = PurePosixPath(path).name
            if self._say:
                self._say(f"{title}: resolving {name}")
            file = PinFile.parse(_read(self._root / path) or "")
            question, own = self._question(path, file, base, settled[base] if base else ())
            try:
                pins, reached = transitive_pins(question, resolver, policy)
            except UnsatisfiableError as error:
                raise UnsatisfiableError(f"{path}: {error.message}", remedy=error.remedy) from error
            texts[path] = file.with_tail([str(pin) for pin in pins])
            listed[name] = tuple(via_of([*own, *pins], reached))
            settled[path] = (*question.direct, *pins)
            self._known |= _floors(pins)
        record = Closure(
            pythons=policy.pythons,
            platforms=policy.platforms,
            excluded=tuple(sorted(excluded)),
            files=listed,
        )
        return texts, dump_closure(record)

    def _question(
        self, path: str, file: PinFile, base: str | None, settled: tuple[Requirement, ...]
    ) -> tuple[Question, tuple[Requirement, ...]]:
        """What a file asks for, and which of it the file that it builds on has not said before."""
        held: list[Requirement] = []
        own: list[Requirement] = []
        constraints: set[str] = set()
        included = self._repository.reachable(path)
        if base:
            included -= self._repository.reachable(base)
        for each in sorted(included):
            for line in self._repository.files[each]:
                constraints |= _targets(each, line.values("--constraint"))
                if line.requirement is None:
                    continue
                below = each == path and line.number >= file.first
                (held if below else own).append(line.requirement)
        question = Question(
            direct=(*settled, *own),
            constraints=tuple(_requirements(self._repository, constraints)),
            held=tuple(pin for pin in held if canonicalize_name(pin.name) not in self._upgrade),
            known={n: v for n, v in self._known.items() if n not in self._upgrade},
        )
        return question, tuple(own)


def _refuse_unusable(repository: Repository) -> None:
    needed: set[str] = set()
    faults = []
    for service in repository.policy.services:
        for path in repository.layers(service):
            if path in repository.files:
                needed |= repository.reachable(path)
            else:
                faults.append(f"{path} is missing")
    # A record that cannot be read is written anew.
    faults += [
        f"{fault.path}:{fault.line}: {fault.message}"
        for fault in repository.unusable
        if fault.path in needed
    ]
    faults += [
        f"{path}:{line.number}: {line.excerpt!r} is no pin"
        for path in sorted(needed)
        for line in repository.files[path]
        if line.kind in (Kind.INVALID, Kind.DIRECT)
    ]
    if faults:
        raise SyncError("\n".join(faults) + ".", remedy="`pinproof check` says what to write.")


def _known_versions(repository: Repository) -> dict[str, Version]:
    """The version that most files of the repository pin of each distribution."""
    floors: defaultdict[str, Counter[Version]] = defaultdict(Counter)
    for line in repository.lines():
        if line.requirement is not None:
            for name, version in _floors([line.requirement]).items():
                floors[name][version] += 1
    return {name: counted.most_common(1)[0][0] for name, counted in floors.items()}


def _floors(pins: Collection[Requirement]) -> dict[str, Version]:
    floors: dict[str, Version] = {}
    for pin in pins:
        for specifier in pin.specifier:
            try:
                floors[canonicalize_name(pin.name)] = Version(specifier.version)
            except InvalidVersion:
                continue
    return floors


def _targets(path: str, values: Iterator[str]) -> set[str]:
    return {os.path.normpath(PurePosixPath(path).parent / value) for value in values}


def _requirements(repository: Repository, paths: Collection[str]) -> Iterator[Requirement]:
    for path in sorted(paths):
        for line in repository.files.get(path, ()):
            if line.requirement is not None:
                yield line.requirement


def _read(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise SyncError(f"{path} is not in UTF-8.", remedy="Save it in that encoding.") from error


def _change(path: str, before: str | None, after: str) -> Change:
    old, new = Counter((before or "").splitlines()), Counter(after.splitlines())
    return Change(path, tuple((new - old).elements()), tuple((old - new).elements()))
