"""Reads the requirements files of a repository, and the files that they include."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pinproof.repository import kinds
from pinproof.repository.closure_record import RECORD_FILE, Closure, ClosureError, parse_closure
from pinproof.repository.conda import CondaError, is_environment, parse_conda
from pinproof.repository.discovery import NOTHING_FOUND, FoundFiles, find_files
from pinproof.repository.installer_words import is_utf_16, may_install, referenced_files
from pinproof.repository.kinds import kind_of
from pinproof.repository.lines import NotTextError, decode
from pinproof.repository.policy import DEV, PROD, Policy, load_policy
from pinproof.repository.pyproject import PyprojectError, parse_pipfile, parse_pyproject
from pinproof.repository.requirements import Line, LineKind, parse_requirements, shorten
from pinproof.repository.setup_files import (
    SCRIPT_BLOCK,
    ComputedError,
    SetupError,
    parse_ini,
    parse_script_block,
    parse_setup_py,
)
from pinproof.violations import Violation

UNUSABLE = "PIN000"
"""The code of files that cannot be read. It is not a rule, and cannot be excepted."""

_LARGEST = 4 * 1024 * 1024
_BEGINNING = 8192
# Kinds whose files a command may name as a requirements file.
_NAMED = (kinds.PROSE, kinds.DATA, kinds.OTHER)
_COMPUTED = "setup.py files whose requirements are computed"
_REQUIREMENTS = "requirements*.txt"


class UnusableError(Exception):
    """A file cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Repository:
    """The input of the rules.

    Attributes:
        root: The root folder.
        policy: The policy in `pins.toml`.
        files: The lines of each file, by path.
        includes: The files that each file includes with `-r` (not with `-c`), by path.
        closures: The closure records, by the folder of the service.
        scripts: The files that may call an installer, which PIN007 reads.
        read: The number of files of each kind that were read.
        unread: The number of files of each kind that pin or install something that is not read.
        computed: Each setup.py whose requirements are known only when it runs.
        skipped: The folders of installed packages and of tools, which are not read.
        unusable: The files and lines that cannot be read.
    """

    root: Path
    policy: Policy
    files: Mapping[str, tuple[Line, ...]]
    includes: Mapping[str, tuple[str, ...]]
    closures: Mapping[str, Closure]
    scripts: tuple[str, ...]
    read: Mapping[str, int]
    unread: Mapping[str, int]
    computed: tuple[str, ...]
    skipped: tuple[str, ...]
    unusable: tuple[Violation, ...]

    def lines(self) -> Iterator[Line]:
        """Yield the lines of all files."""
        for lines in self.files.values():
            yield from lines

    def problems(self, name: Callable[[str], str] = str) -> list[str]:
        """Everything that cannot be used, each as `file:line: message`.

        Args:
            name: Turns the path of a file into its name in messages.
        """
        return [
            *(f"{name(each.path)}:{each.line}: {each.message}" for each in self.unusable),
            *(
                f"{name(line.path)}:{line.number}: {line.excerpt!r} is not a requirement "
                f"({line.error})"
                for line in self.lines()
                if line.kind is LineKind.INVALID
            ),
        ]

    def reachable(self, path: str) -> set[str]:
        """The file and all files that it includes with `-r`, directly or indirectly."""
        return _reachable(path, self.includes)

    def layers(self, service: str) -> dict[str, str | None]:
        """The requirements files of a service, each with the file that it builds on.

        Production builds on nothing, development on production. A further requirements file of the
        folder that includes one of the two, for example for training, builds on that one.
        """
        production, development = f"{service}/{PROD}", f"{service}/{DEV}"
        layers: dict[str, str | None] = {production: None, development: production}
        for path in sorted(self.files):
            name = PurePosixPath(path)
            if path not in layers and str(name.parent) == service and name.match(_REQUIREMENTS):
                included = self.reachable(path)
                for base in (development, production):
                    if base in included:
                        layers[path] = base
                        break
        return layers


def load_repository(root: Path) -> Repository:
    """Read the policy, every requirements file, and the files that they include.

    Raises:
        PolicyError: `pins.toml` cannot be used.
    """
    policy = load_policy(root)
    found = find_files(root, policy.exclude)
    reader = _Reader(root.resolve())
    for folder in found.unreadable:
        reader.report(
            folder, 1, "this folder cannot be listed: change its permissions, or exclude it"
        )
    for path in found.files:
        if found.kinds[path] is not kinds.PYTHON:
            reader.read(path)
    scripts = reader.read_scripts(found, policy.exclude)
    reader.report_cycles()
    for service in policy.services:
        reader.read_closure(service)
    return reader.finish(policy, found, scripts)


def load_file(path: Path) -> Repository:
    """Read one requirements file or manifest and its includes, in any folder.

    The paths of the result are relative to the root of the file system.
    """
    absolute = path.absolute()
    root = Path(absolute.anchor)
    reader = _Reader(root)
    reader.read(absolute.relative_to(root).as_posix())
    reader.report_cycles()
    return reader.finish(Policy())


class _Reader:
    """Reads files and their includes, and records what cannot be read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, tuple[Line, ...]] = {}
        self.includes: dict[str, tuple[str, ...]] = {}
        self.closures: dict[str, Closure] = {}
        self.unusable: list[Violation] = []
        self._include_lines: dict[tuple[str, str], int] = {}
        self._looked_at: set[str] = set()
        self._computed: list[str] = []

    def finish(
        self, policy: Policy, found: FoundFiles = NOTHING_FOUND, scripts: tuple[str, ...] = ()
    ) -> Repository:
        read = Counter(kind_of(path).name for path in self.files.keys() | self._looked_at)
        unread = Counter(found.unread)
        if self._computed:
            unread[_COMPUTED] = len(self._computed)
        return Repository(
            root=self.root,
            policy=policy,
            files=dict(sorted(self.files.items())),
            includes=self.includes,
            closures=self.closures,
            scripts=scripts,
            read=_sorted(read),
            unread=_sorted(unread),
            computed=tuple(self._computed),
            skipped=found.skipped,
            unusable=tuple(self.unusable),
        )

    def report(self, path: str, line: int, message: str) -> None:
        self.unusable.append(Violation(path, line, UNUSABLE, message))

    def read(self, path: str) -> None:
        """Read one file, and then all of its includes."""
        pending = [path]
        while pending:
            path = pending.pop()
            if path in self.files:
                continue
            try:
                lines = _parse(path, _read_text(self.root, path))
            except ComputedError:
                self._computed.append(path)
                continue
            except UnusableError as error:
                lines = ()
                self.report(path, 1, f"{error}: correct or exclude this file")
            if lines is not None:
                self.files[path] = lines
                pending += self._follow(path)

    def read_scripts(self, found: FoundFiles, exclude: Collection[str]) -> tuple[str, ...]:
        """Find the files that may call an installer, and read the files that their commands name.

        Files that are not text, other than programs, are left out: PIN007 reports those.
        """
        scripts = []
        for path in found.scripts:
            kind = found.kinds[path]
            try:
                data = _read_bytes(f"{self.root}/{path}")
            except FileNotFoundError:
                # A link to nothing.
                continue
            except OSError:
                scripts.append(path)
                continue
            if kind is kinds.OTHER and b"\0" in data[:_BEGINNING] and not is_utf_16(data):
                continue
            self._looked_at.add(path)
            if (kind is kinds.PYTHON and SCRIPT_BLOCK in data) or (
                kind is kinds.YAML and b"channels" in data and is_environment(data)
            ):
                self.read(path)
            if kind in kinds.PROGRAMS or may_install(data, anywhere=kind in kinds.PYTHON_KINDS):
                scripts.append(path)
                for name in referenced_files(data):
                    self._read_referenced(path, name, exclude)
        return tuple(scripts)

    def _read_referenced(self, script: str, name: str, exclude: Collection[str]) -> None:
        """Read a requirements file that a command names, from its own folder or the root."""
        for folder in (PurePosixPath(script).parent, PurePosixPath()):
            path = os.path.normpath(folder / name)
            is_excluded = any(PurePosixPath(path).is_relative_to(each) for each in exclude)
            if path.startswith(("..", "/")) or is_excluded or kind_of(path) not in _NAMED:
                continue
            if (self.root / path).is_file():
                self.read(path)

    def read_closure(self, service: str) -> None:
        """Read the closure record of one service, if it has one."""
        path = f"{service}/{RECORD_FILE}"
        if not os.path.lexists(self.root / path):
            return
        try:
            self.closures[service] = parse_closure(_read_text(self.root, path))
        except (UnusableError, ClosureError) as error:
            self.report(path, 1, f"{error}: run pinproof sync to replace it")

    def _follow(self, path: str) -> Iterator[str]:
        """Yield the files that this one names with `-r` or `-c`."""
        included = []
        for line in self.files[path]:
            for option in ("--requirement", "--constraint"):
                for value in line.values(option):
                    target = self._target(line, option, value)
                    if target is None:
                        continue
                    if option == "--requirement":
                        included.append(target)
                        self._include_lines.setdefault((path, target), line.number)
                    yield target
        self.includes[path] = tuple(included)

    def _target(self, line: Line, option: str, value: str) -> str | None:
        """The path of the included file, or None if it cannot be read."""
        # Normalized as text, not resolved: links out of the repository are reported when read.
        joined = PurePosixPath(
            os.path.normpath(self.root / PurePosixPath(line.path).parent / value)
        )
        place = shorten(f"{option} {value}")
        if "://" in value or not joined.is_relative_to(self.root):
            fault = (
                "is outside of this repository, where its pins cannot be checked: "
                "include a file of the repository"
            )
        elif not os.path.isfile(joined):  # noqa: PTH113 - Path.is_file raises on long names
            fault = "is not a file: correct the path or remove the line"
        else:
            return str(joined.relative_to(self.root))
        self.report(line.path, line.number, f"{place} {fault}")
        return None

    def report_cycles(self) -> None:
        """Report each include that leads back to its own file."""
        for (path, target), number in self._include_lines.items():
            if path in _reachable(target, self.includes):
                self.report(
                    path,
                    number,
                    f"--requirement {target} leads back to this file, which pip refuses: "
                    "remove one include of the cycle",
                )


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts with the most frequent first."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _reachable(path: str, includes: Mapping[str, tuple[str, ...]]) -> set[str]:
    """The file and all files that it includes, directly or indirectly."""
    reached: set[str] = set()
    pending = [path]
    while pending:
        current = pending.pop()
        if current not in reached:
            reached.add(current)
            pending += includes.get(current, ())
    return reached


def _read_bytes(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - a path object for each file takes longer
        return file.read()


def _read_text(root: Path, path: str) -> str:
    location = root / path
    try:
        real = location.resolve(strict=True)
        if not real.is_relative_to(root):
            raise UnusableError("it is a link to a file outside of the repository")
        if not real.is_file():
            raise UnusableError("it is not a regular file")
        if real.stat().st_size > _LARGEST:
            raise UnusableError(f"it is larger than {_LARGEST} bytes")
        return decode(real.read_bytes())
    except (OSError, RuntimeError) as error:
        # A link that leads to itself is a RuntimeError until Python 3.13.
        raise UnusableError(getattr(error, "strerror", None) or "it is a link to itself") from error
    except NotTextError as error:
        raise UnusableError(f"it is not text, {error}") from error


_Parse = Callable[[str, str], tuple[Line, ...] | None]
_PARSERS: Mapping[kinds.Kind, _Parse] = {
    kinds.PYPROJECT: parse_pyproject,
    kinds.PIXI: parse_pyproject,
    kinds.PIPFILE: parse_pipfile,
    kinds.SETUP_CFG: parse_ini,
    kinds.SETUP_PY: parse_setup_py,
    kinds.CONDA: parse_conda,
    kinds.PYTHON: parse_script_block,
    # With any name, if it is an environment of conda.
    kinds.YAML: parse_conda,
}


def is_manifest(path: str) -> bool:
    """Whether a file has requirements in another format than that of requirements files."""
    return kind_of(path) in _PARSERS


def _parse(path: str, text: str) -> tuple[Line, ...] | None:
    """The lines of a file; None if it has no requirements, of a kind that need not have any."""
    parse = _PARSERS.get(kind_of(path))
    if parse is None:
        return tuple(parse_requirements(path, text))
    try:
        return parse(path, text)
    except (PyprojectError, SetupError, CondaError) as error:
        raise UnusableError(str(error)) from error
