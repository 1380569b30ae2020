"""Decides whether a command installs only from checked files."""

import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple

from packaging.utils import canonicalize_name

from pinproof.repository.manifest_lines import is_python_package
from pinproof.repository.requirements import shorten
from pinproof.rules.install_commands.command import UNKNOWN, Command
from pinproof.rules.install_commands.installers import InstallTarget, TargetKind, install_targets
from pinproof.rules.install_commands.tables import names

_ARCHIVES = (".whl", ".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_BEYOND_NAME = re.compile(r"[<>=!~;\[@\s]")
_EXTRAS = re.compile(r"\[[^\]]*\]$")
_SYSTEM_PYTHON = re.compile(
    r"(?:.*[./]|dev-)?(?:python|py)[\d.]*(?:Packages)?[-./]([A-Za-z].*)|python[\d.]*dist\((.+)\)"
)
_CHANNEL = re.compile(r"^.*::")
_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
_INSTEAD = "write it into a requirements file, and install that with -r"


class UnpinnedInstall(NamedTuple):
    """A command that installs something that no checked file pins.

    Attributes:
        message: The problem and the remedy.
        distribution: The name of the distribution, if it is known.
    """

    message: str
    distribution: str | None = None


class InstallChecker:
    """Compares commands with the requirements files and projects of a repository."""

    def __init__(self, files: Collection[str]) -> None:
        self._files = [PurePosixPath(path).parts for path in files]
        self._projects = [parts[:-1] for parts in self._files if parts[-1] in _PROJECT_FILES]
        self._names = {parts[-1] for parts in self._files}

    def unpinned_installs(self, command: Command, path: str) -> Iterator[UnpinnedInstall]:
        """Yield what a command installs that no checked file pins."""
        for target in install_targets(command):
            problem, distribution = self._problem(target, in_image=_is_image(path))
            if problem:
                yield UnpinnedInstall(f"{target.tool} {problem}", distribution)

    def _problem(  # noqa: PLR0911 - one for each kind
        self, target: InstallTarget, *, in_image: bool
    ) -> tuple[str, str | None]:
        """What is wrong with a target, if anything is, and the distribution."""
        value, written = target.word.value, shorten(target.word.source)
        if not value.replace(UNKNOWN, ""):
            return f"{written} cannot be checked: {_INSTEAD}", None
        match target.kind:
            case TargetKind.MANIFEST:
                return self._manifest(value.split("|")), None
            case TargetKind.CHANGE:
                change = f"{written} changes what the pins mean"
                return f"{change}: remove it, or configure the installer", None
            case (TargetKind.FILE | TargetKind.FOREIGN) as kind:
                if self._is_known(value, self._files, in_image=in_image):
                    return "", None
                if kind is TargetKind.FOREIGN:
                    return f"{written} is a file that is not checked: {_INSTEAD}", None
                missing = f"-r {written} is not a requirements file of this repository"
                return f"{missing}: name one that is checked", None
            case TargetKind.SYSTEM:
                package = _SYSTEM_PYTHON.fullmatch(re.split(r"[=:<>]", value)[0])
                if package is None or _is_part(package[1] or package[2]):
                    return "", None
                name = canonicalize_name(package[1] or package[2])
                return f"{written} is a system package: {_INSTEAD}", name
            case TargetKind.CONDA:
                value = _CHANNEL.sub("", value)
                if not is_python_package(re.split(r"[<>=!~\[\s]", value)[0]):
                    return "", None
        return self._anything(
            value, written, is_folder=target.kind is TargetKind.FOLDER, in_image=in_image
        )

    def _manifest(self, manifests: Collection[str]) -> str:
        if not self._names.isdisjoint(manifests):
            return ""
        none = f"installs from {' or '.join(manifests)}, and this repository has none"
        return f"{none} that is checked: {_INSTEAD}"

    def _anything(
        self, value: str, written: str, *, is_folder: bool, in_image: bool
    ) -> tuple[str, str | None]:
        """What is wrong with a name, an address or a path."""
        place = _EXTRAS.sub("", value)
        name = _NAME.match(_CHANNEL.sub("", value))
        distribution = None
        if "://" in value or value.startswith(("git+", "hg+", "svn+", "bzr+")):
            problem = "is an address"
        elif place.lower().endswith(_ARCHIVES):
            problem = "is an archive"
        elif is_folder or "/" in place or place in (".", ".."):
            if place.strip("./") == "" and not place.startswith("/"):
                missing = self._manifest(_PROJECT_FILES)
                return missing and f"{written} {missing}", None
            if self._is_known(place, self._projects, in_image=in_image):
                return "", None
            problem = "cannot be checked"
            if UNKNOWN not in place:
                elsewhere = f"{written} is not a project of this repository"
                return f"{elsewhere}: publish it, and pin it in a requirements file", None
        elif name is None or UNKNOWN in _BEYOND_NAME.split(value, maxsplit=1)[0]:
            problem = "cannot be checked"
        else:
            problem, distribution = "is not pinned", canonicalize_name(name[0])
        return f"{written} {problem}: {_INSTEAD}", distribution

    @staticmethod
    def _is_known(value: str, paths: list[tuple[str, ...]], *, in_image: bool) -> bool:
        """Whether a path of the repository ends with a value.

        A script may run in any folder, so the beginning of a path is not compared. An absolute path
        is outside of the repository, except in an image.
        """
        is_elsewhere = value.startswith(("/", "~"))
        if is_elsewhere and not in_image:
            return False
        parts = [part for part in PurePosixPath(value).parts if part not in ("/", ".", "..")]
        while parts and not parts[0].replace(UNKNOWN, ""):
            parts = parts[1:]
        patterns = [re.sub(r"([*?\[])", r"[\1]", part).replace(UNKNOWN, "*") for part in parts]
        shared = patterns[-1:] if is_elsewhere else patterns
        tails = (path[-len(shared) :] for path in paths)
        return bool(shared) and any(
            len(tail) == len(shared) and all(map(fnmatchcase, tail, shared)) for tail in tails
        )


def _is_part(name: str) -> bool:
    """Whether the rest of the name of a system package is a part of Python itself."""
    return re.fullmatch(rf"(?:{names('parts')})(?:[-=:/].*)?", name) is not None


def _is_image(path: str) -> bool:
    """Whether the commands of a file run in an image, or where one is built."""
    name = PurePosixPath(path).name.lower()
    is_yaml = name.endswith((".yml", ".yaml")) and ".github/" not in path
    return is_yaml or "dockerfile" in name or "containerfile" in name
