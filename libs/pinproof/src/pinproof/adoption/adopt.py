"""Proposes a `~=` pin for each requirement that has none, from the versions in use."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from modelseal.compatible_releases import compatible_releases
from packaging.requirements import Requirement
from packaging.version import Version

from pinproof.adoption.locks import LOCK_FILES, Versions, read_lock
from pinproof.audit.installed import installed_versions
from pinproof.closure.patch import unified_patch
from pinproof.closure.replace_files import replace_files
from pinproof.environment.interpreter import inspect_interpreter
from pinproof.errors import PinproofError
from pinproof.repository.reader import Repository, load_repository
from pinproof.repository.requirements import Line, LineKind
from pinproof.rules.pin002 import stays_in_series

_NAME = re.compile(r"\s*[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?")


class AdoptionError(PinproofError):
    """Proposals cannot be made or written."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """The changes that pin the requirements of a repository.

    Attributes:
        before: The texts of the files that change, by path.
        after: Their new texts.
        pinned: Number of requirements that the change pins.
        open: The requirements that it does not pin, each as `file:line: reason`.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    pinned: int
    open: tuple[str, ...]

    @property
    def patch(self) -> str:
        """The changes as a unified diff."""
        return unified_patch(self.before, self.after)


class _NotPinnedError(Exception):
    """A requirement cannot be pinned; the message says why."""


def propose(root: Path, *, lock: Path | None = None, python: Path | None = None) -> Proposals:
    """Propose a pin for each requirement without one.

    The version is the one that the given lock file or environment has. Without both, it is the one
    of the nearest lock file, in the folder of the requirement or above, or else that of the
    requirement's own `==`.

    Args:
        root: The root of the repository.
        lock: A lock file.
        python: The interpreter of an environment.

    Raises:
        AdoptionError: A file of the repository cannot be read.
        LockError: A lock file cannot be read.
        InterpreterError: The interpreter does not answer.
    """
    repository = load_repository(root)
    if repository.unusable:
        raise AdoptionError(
            "\n".join(repository.problems()) + ".", remedy="Correct this; `pinproof check` helps."
        )
    versions = _versions(root, lock, python)
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    unpinned: list[str] = []
    pinned = 0
    for line, requirement in _unpinned(repository):
        place = f"{line.path}:{line.number}: {line.excerpt}"
        try:
            if line.path not in before:
                before[line.path] = after[line.path] = _read(root / line.path)
            pin = _pin(line, requirement, versions(line))
            after[line.path] = _rewritten(after[line.path], line, pin)
            pinned += 1
        except _NotPinnedError as reason:
            unpinned.append(f"{place}: {reason}")
    changed = [path for path in before if before[path] != after[path]]
    return Proposals(
        {path: before[path] for path in changed},
        {path: after[path] for path in changed},
        pinned,
        tuple(unpinned),
    )


def write_proposals(root: Path, proposals: Proposals) -> None:
    """Write every change, or none.

    Raises:
        AdoptionError: A file has changed meanwhile.
    """
    for path, text in proposals.before.items():
        if _read(root / path) != text:
            raise AdoptionError(f"{path} changed meanwhile.", remedy="Try again.")
    replace_files({root / path: text for path, text in proposals.after.items()})


def _unpinned(repository: Repository) -> Iterator[tuple[Line, Requirement]]:
    """Yield the requirements that PIN001 or PIN002 reports."""
    for line in repository.lines():
        if line.kind is LineKind.REQUIREMENT and line.requirement is not None:
            specifiers = list(line.requirement.specifier)
            if [one.operator for one in specifiers] != ["~="] or not stays_in_series(specifiers[0]):
                yield line, line.requirement


def _versions(
    root: Path, lock: Path | None, python: Path | None
) -> Callable[[Line], tuple[str, Versions]]:
    """The source of the versions for a line: its name, and what it has."""
    if python is not None:
        installed = installed_versions(inspect_interpreter(python))
        versions = {name: frozenset({version}) for name, version in installed.items()}
        return lambda _: (str(python), versions)
    if lock is not None:
        locked = read_lock(lock)
        return lambda _: (str(lock), locked)
    known: dict[str, Versions] = {}

    def nearest(line: Line) -> tuple[str, Versions]:
        written = PurePosixPath(line.path)
        # pip-compile writes requirements.txt from requirements.in.
        candidates = [written.with_suffix(".txt")] if written.suffix == ".in" else []
        candidates += [folder / name for folder in written.parents for name in LOCK_FILES]
        for path in map(str, candidates):
            if (root / path).is_file():
                if path not in known:
                    known[path] = read_lock(root / path)
                return path, known[path]
        return "", {}

    return nearest


def _pin(line: Line, requirement: Requirement, source: tuple[str, Versions]) -> str:
    if any(option.name == "--hash" for option in line.options):
        raise _NotPinnedError("it has a hash, and pip refuses hashes without ==: remove them first")
    name, versions = source
    found = versions.get(line.name or "", frozenset())
    if not name:
        found = _own_version(requirement)
    admitted = {one for one in found if requirement.specifier.contains(one, prereleases=True)}
    if len(admitted) == 1:
        (version,) = admitted
        return str(compatible_releases(version))
    if admitted:
        several = ", ".join(map(str, sorted(admitted)))
        raise _NotPinnedError(f"{name} has {several}: write a line with a marker for each")
    if found:
        raise _NotPinnedError(
            f"{name} has {', '.join(map(str, sorted(found)))}, which it does not admit"
        )
    if name:
        raise _NotPinnedError(f"{name} does not have it")
    raise _NotPinnedError(
        "no lock file has it: name one with --lock, or an environment with --python"
    )


def _own_version(requirement: Requirement) -> frozenset[Version]:
    exact = [
        Version(one.version)
        for one in requirement.specifier
        if one.operator == "==" and "*" not in one.version
    ]
    return frozenset(exact)


def _rewritten(text: str, line: Line, pin: str) -> str:
    """The text of a file with another specifier in one line, and nothing else changed."""
    subject = line.text.partition(";")[0].rstrip()
    name = _NAME.match(subject)
    lines = text.split("\n")
    old = lines[line.number - 1] if line.number <= len(lines) else ""
    # In a list of strings, the requirement is after a quote; otherwise it begins the line.
    before = r"([\"'])\s*" if line.section else r"^\ufeff?\s*()"
    after = r"(?=\s*(?:\1|;))" if line.section else r"(?=\s*(?:;|#|$|\s-))"
    pattern = re.compile(f"{before}(?P<subject>{re.escape(subject)}){after}")
    matches = list(pattern.finditer(old))
    if name is None or len(matches) != 1:
        raise _NotPinnedError("it is not on one line of its own: change it by hand")
    start, end = matches[0].span("subject")
    lines[line.number - 1] = f"{old[:start]}{name[0].strip()}{pin}{old[end:]}"
    return "\n".join(lines)


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise _NotPinnedError("its file is not in UTF-8: save it in that encoding") from error
