"""Updates the transitive pins and the closure record of every service of a repository."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from modelseal.temporary_outputs import remove_left
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pinproof.closure.pinfile import PinFile
from pinproof.closure.refusals import (
    SyncError,
    read_text,
    refuse_hashes,
    refuse_unknown_upgrades,
    refuse_unusable,
)
from pinproof.closure.replace_files import replace_files
from pinproof.closure.resolver import Resolver
from pinproof.closure.transitive_pins import PinInput, recorded_pins, transitive_pins
from pinproof.closure.uv import UnsatisfiableError
from pinproof.repository.closure_record import RECORD_FILE, Closure, RecordedPin, dump_closure
from pinproof.repository.reader import Repository, load_repository


@dataclass(frozen=True, slots=True)
class Change:
    """The changes of one file.

    Attributes:
        path: The file, relative to the root.
        added: The added lines.
        removed: The removed lines.
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
    log: Callable[[str], None] | None = None,
) -> list[Change]:
    """Resolve the pins of every service, and write their transitive pins and records.

    All services are resolved before anything is written.

    Args:
        root: The root of the repository.
        uv: The path of uv.
        upgrade: Distributions whose transitive pins are replaced by ones for their newest releases.
        write: Whether to write the files.
        log: Called with a line of text at each step.

    Returns:
        The changed files.

    Raises:
        SyncError: There is no service, a requirements file is missing or unusable, or no service
            has a transitive pin of a distribution to upgrade.
        UnsatisfiableError: Pins contradict each other.
        UvError: uv fails otherwise.
    """
    run = _SyncRun(root, uv, frozenset[str](map(canonicalize_name, upgrade)), log)
    texts = run.texts()
    changed = {path: text for path, text in texts.items() if text != read_text(root / path)}
    changes = [_change(path, read_text(root / path), text) for path, text in changed.items()]
    if write:
        for path in texts:
            remove_left((root / path).resolve())
        replace_files({root / path: text for path, text in changed.items()})
    return changes


class _SyncRun:
    """One run over a repository."""

    def __init__(
        self, root: Path, uv: Path, upgrade: frozenset[str], log: Callable[[str], None] | None
    ) -> None:
        self._root = root
        self._uv = uv
        self._upgrade = upgrade
        self._log = log
        self._repository = load_repository(root)
        self._known = _known_versions(self._repository)

    def texts(self) -> dict[str, str]:
        """The new texts of the requirements files, and after them those of the records.

        In this order, a process that is killed between two files leaves requirements that do not
        match the records, which PIN008 reports.
        """
        services = self._repository.policy.services
        if not services:
            raise SyncError(
                "pins.toml names no service.", remedy="List the folders under policy.services."
            )
        refuse_unusable(self._repository)
        refuse_hashes(self._repository)
        refuse_unknown_upgrades(self._repository, self._upgrade)
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
        resolved: dict[str, tuple[Requirement, ...]] = {}
        for path, base in self._repository.layers(service).items():
            name = PurePosixPath(path).name
            if self._log:
                self._log(f"{title}: resolving {name}")
            file = PinFile.parse(read_text(self._root / path) or "")
            given, own = self._input(path, file, base, resolved[base] if base else ())
            try:
                pins, reached = transitive_pins(given, resolver, policy)
            except UnsatisfiableError as error:
                raise UnsatisfiableError(error.explanation, file=path) from error
            texts[path] = file.with_tail([str(pin) for pin in pins])
            listed[name] = tuple(recorded_pins([*own, *pins], reached))
            resolved[path] = (*given.direct, *pins)
            self._known |= _floors(pins)
        record = Closure(
            pythons=policy.pythons,
            platforms=policy.platforms,
            excluded=tuple(sorted(excluded)),
            files=listed,
        )
        return texts, dump_closure(record)

    def _input(
        self, path: str, file: PinFile, base: str | None, resolved: tuple[Requirement, ...]
    ) -> tuple[PinInput, tuple[Requirement, ...]]:
        """The input for one file, and the direct requirements that its base does not have."""
        current: list[Requirement] = []
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
                (current if below else own).append(line.requirement)
        given = PinInput(
            direct=(*resolved, *own),
            constraints=tuple(_requirements(self._repository, constraints)),
            current=tuple(
                pin for pin in current if canonicalize_name(pin.name) not in self._upgrade
            ),
            known={n: v for n, v in self._known.items() if n not in self._upgrade},
        )
        return given, tuple(own)


def _known_versions(repository: Repository) -> dict[str, Version]:
    """The version of each distribution that most files of the repository pin."""
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


def _change(path: str, before: str | None, after: str) -> Change:
    old, new = Counter((before or "").splitlines()), Counter(after.splitlines())
    return Change(path, tuple((new - old).elements()), tuple((old - new).elements()))
