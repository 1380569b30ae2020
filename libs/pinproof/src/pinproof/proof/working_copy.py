"""A copy of the requirements files of a repository, to try changes of pins."""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pinproof.closure.patch import unified_patch
from pinproof.closure.pinfile import PinFile
from pinproof.closure.replace_files import replace_files
from pinproof.closure.sync import sync
from pinproof.errors import PinproofError
from pinproof.repository.closure_record import RECORD_FILE
from pinproof.repository.marker_environments import matching_environments
from pinproof.repository.policy import DEV, PROD, policy_files
from pinproof.repository.reader import Repository, load_repository
from pinproof.repository.requirements import Line, LineKind
from pinproof.rules.pin001 import suggested_pin
from pinproof.rules.pin002 import stays_in_series

_COMMENT = re.compile(r"\s+#.*$")


class TrialError(PinproofError):
    """The pins to try are not a change of the service's pins."""


class WorkingCopy:
    """A copy of the requirements files of a repository, with the pins of one service.

    Args:
        root: The root of the repository. Only `apply` writes to it.
        folder: An empty folder for the copy.
        service: The folder of the service below the root.
    """

    def __init__(self, root: Path, folder: Path, service: str) -> None:
        self._root = root
        self._folder = folder
        self._service = service
        self._original = load_repository(root)
        services = self._original.policy.services
        paths = {*self._original.files, *(f"{name}/{RECORD_FILE}" for name in services)}
        for path in (*policy_files(root), *sorted(paths)):
            if (root / path).is_file():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / path, folder / path)
        self._before = {path: _read(folder / path) for path in sorted(paths)}

    @property
    def requirements(self) -> Path:
        """The production requirements in the copy."""
        return self._folder / self._service / PROD

    def direct(self) -> list[Requirement]:
        """The direct production requirements in the copy."""
        repository = load_repository(self._folder)
        return [
            line.requirement
            for line in self._lines(repository, [PROD])
            if line.requirement is not None and not self._is_transitive(line)
        ]

    def change(self, pins: Iterable[Requirement]) -> list[str]:
        """Replace the specifiers of distributions in all lines of the service.

        If a distribution has different names on different platforms, all are changed: `xgboost`
        and `xgboost-cpu`, because one name begins with the other, both have the same specifier,
        and no environment has both.

        Returns:
            The changed names.

        Raises:
            TrialError: The service does not pin one of them.
        """
        changed: list[str] = []
        for pin in pins:
            repository = load_repository(self._folder)
            lines = list(self._lines(repository, [PROD, DEV]))
            found = [line for line in lines if line.name == canonicalize_name(pin.name)]
            if not found:
                raise TrialError(
                    f"{self._service} does not pin {pin.name}.",
                    remedy="Try a distribution of its requirements files.",
                )
            for line in {*found, *self._alternatives(found, lines, repository)}:
                _rewrite(self._folder / line.path, line, pin)
                changed.append(line.name or pin.name)
        return sorted(set(changed))

    def sync(self, uv: Path, log: Callable[[str], None]) -> None:
        """Update the transitive pins.

        Raises:
            UnsatisfiableError: The pins contradict each other.
            UvError: uv fails otherwise.
        """
        if self._service in self._original.policy.services:
            sync(self._folder, uv, log=log)

    def changes(self) -> dict[str, str]:
        """The new text of each file that changed."""
        paths = {*self._before, f"{self._service}/{RECORD_FILE}"}
        # The record is last, because it tells whether the others belong together.
        ordered = sorted(paths, key=lambda path: (path.endswith(RECORD_FILE), path))
        texts = {path: _read(self._folder / path) for path in ordered}
        return {path: text for path, text in texts.items() if text != self._before.get(path, "")}

    def patch(self) -> str:
        """The changes of requirements files as a unified diff."""
        texts = self.changes().items()
        return unified_patch(
            self._before, {path: text for path, text in texts if not path.endswith(RECORD_FILE)}
        )

    def apply(self) -> list[str]:
        """Write the changes into the repository.

        Raises:
            TrialError: A file of the repository has changed since it was copied.
        """
        texts = self.changes()
        for path in texts:
            if _read(self._root / path) != self._before.get(path, ""):
                raise TrialError(f"{path} changed during the trial.", remedy="Try again.")
        replace_files({self._root / path: text for path, text in texts.items()})
        return list(texts)

    def _lines(self, repository: Repository, names: Iterable[str]) -> Iterator[Line]:
        paths: set[str] = set()
        for name in names:
            path = str(PurePosixPath(self._service, name))
            paths |= repository.reachable(path) if path in repository.files else set()
        for path in sorted(paths):
            yield from (
                line for line in repository.files[path] if line.kind is LineKind.REQUIREMENT
            )

    def _is_transitive(self, line: Line) -> bool:
        """Whether the line is a transitive pin."""
        return line.number >= PinFile.parse(_read(self._folder / line.path)).first

    def _alternatives(
        self, found: list[Line], lines: list[Line], repository: Repository
    ) -> Iterator[Line]:
        policy = repository.policy

        def environments(line: Line) -> frozenset[int]:
            return matching_environments(line.marker, policy.pythons, policy.platforms)

        for line in lines:
            for known in found:
                one, other = sorted((line.name or "", known.name or ""), key=len)
                if (
                    other.startswith(f"{one}-")
                    and _specifier(line) == _specifier(known)
                    and not environments(line) & environments(known)
                ):
                    yield line


def _specifier(line: Line) -> str:
    return str(line.requirement.specifier) if line.requirement else ""


def _rewrite(path: Path, line: Line, pin: Requirement) -> None:
    texts = _read(path).splitlines(keepends=True)
    text = texts[line.number - 1]
    body = text.rstrip("\r\n")
    comment = _COMMENT.search(body)
    tail = comment.group() if comment else ""
    _, semicolon, marker = body.removesuffix(tail).partition(";")
    name = line.requirement.name if line.requirement else pin.name
    names = line.requirement.extras if line.requirement else ()
    extras = f"[{','.join(sorted(names))}]" if names else ""
    ending = text[len(body) :]
    texts[line.number - 1] = f"{name}{extras}{pin.specifier}{semicolon}{marker}{tail}{ending}"
    path.write_text("".join(texts), encoding="utf-8", newline="")


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def parse_changes(texts: Iterable[str]) -> Mapping[str, Requirement]:
    """Parse the pins to try, by name.

    Raises:
        TrialError: One is not a name with a specifier, or not a pin that `check` accepts.
    """
    pins: dict[str, Requirement] = {}
    for text in texts:
        try:
            pin = Requirement(text)
        except ValueError as error:
            raise TrialError(
                f"{text!r} is not a requirement.", remedy="Write numpy~=2.4.0."
            ) from error
        if not pin.specifier or pin.url or pin.marker or pin.extras:
            raise TrialError(
                f"{text!r} is not a name with a specifier.",
                remedy="Write numpy~=2.4.0. Markers and extras do not change.",
            )
        specifiers = list(pin.specifier)
        if [one.operator for one in specifiers] != ["~="] or not stays_in_series(specifiers[0]):
            raise TrialError(
                f"{text!r} is not a pin to one series, and `pinproof check` would refuse it.",
                remedy=f"Write {suggested_pin(pin)}.",
            )
        pins[canonicalize_name(pin.name)] = pin
    return pins
