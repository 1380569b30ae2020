"""Decides whether what a command installs is named by a file that is checked."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

from pinproof.doors.command import HOLE, Command
from pinproof.doors.installers import Subject, SubjectKind, subjects
from pinproof.requirements import shorten

__all__ = ["Fault", "Judge"]

_ARCHIVES = (".whl", ".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_BEYOND_NAME = re.compile(r"[<>=!~;\[@\s]")
_EXTRAS = re.compile(r"\[[^\]]*\]$")
_SYSTEM_PYTHON = re.compile(r"(?:python3?(?:\.\d+)?|py3)-(.+)")
# Parts of Python itself, and the installer.
_PARTS = re.compile(
    r"(?:dbg|debug|dev|devel|distutils|doc|ensurepip|full|gdbm|idle|lib2to3|libs|minimal|pip|"
    r"setuptools|test|tk|tkinter|venv|virtualenv|wheel)(?:[-=:].*)?"
)
_INSTEAD = "write it into a requirements file, and install that with -r"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a command.

    Attributes:
        message: What, and what to do.
        distribution: The distribution, where it is known by name.
    """

    message: str
    distribution: str | None = None


class Judge:
    """Knows the requirements files and the projects of a repository."""

    def __init__(self, files: Collection[str]) -> None:
        paths = [PurePosixPath(path).parts for path in files]
        self._files = [parts for parts in paths if parts[-1] != "pyproject.toml"]
        self._projects = [parts[:-1] for parts in paths if parts[-1] == "pyproject.toml"]

    def faults(self, command: Command, path: str) -> Iterator[Fault]:
        """Yield what a command installs and no checked file names."""
        for subject in subjects(command):
            fault = self._fault(subject, in_image=_is_image(path))
            if fault is not None:
                yield fault

    def _fault(self, subject: Subject, *, in_image: bool) -> Fault | None:  # noqa: PLR0911 - one for each kind
        value, written = subject.word.value, shorten(subject.word.source)
        unknown = Fault(f"{subject.tool} {written} cannot be checked: {_INSTEAD}")
        if not value.replace(HOLE, ""):
            return unknown
        match subject.kind:
            case SubjectKind.FILE:
                if self._is_known(value, self._files, in_image=in_image):
                    return None
                return Fault(
                    f"{subject.tool} -r {written} names no requirements file of this repository: "
                    "name one that is checked"
                )
            case SubjectKind.FOREIGN:
                return Fault(
                    f"{subject.tool} {written} names a file that is not checked: {_INSTEAD}"
                )
            case SubjectKind.SYSTEM:
                package = _SYSTEM_PYTHON.fullmatch(value.partition("=")[0])
                if package is None or _PARTS.fullmatch(package[1]):
                    return None
                name = canonicalize_name(package[1])
                return Fault(f"{subject.tool} brings {written} from the system: {_INSTEAD}", name)
        return self._anything(subject, value, unknown, in_image=in_image)

    def _anything(  # noqa: PLR0911 - one for each kind
        self, subject: Subject, value: str, unknown: Fault, *, in_image: bool
    ) -> Fault | None:
        written = shorten(subject.word.source)
        place = _EXTRAS.sub("", value)
        if "://" in value or value.startswith(("git+", "hg+", "svn+", "bzr+")):
            return Fault(f"{subject.tool} takes {written} from an address: {_INSTEAD}")
        if place.lower().endswith(_ARCHIVES):
            return Fault(f"{subject.tool} takes the archive {written}: {_INSTEAD}")
        if subject.kind is SubjectKind.FOLDER or "/" in place or place in (".", ".."):
            if place.strip("./") == "" and not place.startswith("/"):
                return None
            if self._is_known(place, self._projects, in_image=in_image):
                return None
            if HOLE in place:
                return unknown
            return Fault(
                f"{subject.tool} {written} names no project of this repository: "
                "publish it, and pin it in a requirements file"
            )
        name = _NAME.match(value)
        if name is None:
            return unknown
        if HOLE in _BEYOND_NAME.split(value, maxsplit=1)[0]:
            return unknown
        distribution = canonicalize_name(name[0])
        return Fault(f"{subject.tool} names {written}: {_INSTEAD}", distribution)

    @staticmethod
    def _is_known(value: str, paths: list[tuple[str, ...]], *, in_image: bool) -> bool:
        """Whether some path of the repository ends as a value does.

        A script may run in any folder, so that the beginning of a path says little. An absolute
        path leads out of the repository, except in an image, whose folders are its own.
        """
        is_elsewhere = value.startswith(("/", "~"))
        if is_elsewhere and not in_image:
            return False
        parts = [part for part in PurePosixPath(value).parts if part not in ("/", ".", "..")]
        while parts and not parts[0].replace(HOLE, ""):
            parts = parts[1:]
        patterns = [re.sub(r"([*?\[])", r"[\1]", part).replace(HOLE, "*") for part in parts]
        if not patterns:
            return False
        for path in paths:
            shared = patterns[-1:] if is_elsewhere else patterns
            tail = path[-len(shared) :]
            if len(tail) == len(shared) and all(map(fnmatchcase, tail, shared)):
                return True
        return False


def _is_image(path: str) -> bool:
    """Whether the commands of a file run in an image, or where one is built."""
    name = PurePosixPath(path).name.lower()
    is_yaml = name.endswith((".yml", ".yaml")) and ".github/" not in path
    return is_yaml or "dockerfile" in name or "containerfile" in name
