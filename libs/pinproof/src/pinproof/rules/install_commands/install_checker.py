"""Decides whether a command installs only from checked files."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

from pinproof.repository.manifest_lines import is_python_package
from pinproof.repository.requirements import shorten
from pinproof.rules.install_commands.command import UNKNOWN, Command, Word
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
_PROJECT_FILES = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})
_INSTEAD = "write it into a requirements file, and install that with -r"


@dataclass(frozen=True, slots=True)
class UnpinnedInstall:
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
            found = self._unpinned(target, in_image=_is_image(path))
            if found is not None:
                yield found

    def _unpinned(self, target: InstallTarget, *, in_image: bool) -> UnpinnedInstall | None:  # noqa: PLR0911 - one for each kind
        value, written = target.word.value, shorten(target.word.source)
        unknown = UnpinnedInstall(f"{target.tool} {written} cannot be checked: {_INSTEAD}")
        if not value.replace(UNKNOWN, ""):
            return unknown
        match target.kind:
            case TargetKind.FILE | TargetKind.FOREIGN:
                if self._is_known(value, self._files, in_image=in_image):
                    return None
                if target.kind is TargetKind.FOREIGN:
                    return UnpinnedInstall(
                        f"{target.tool} {written} is a file that is not checked: {_INSTEAD}"
                    )
                return UnpinnedInstall(
                    f"{target.tool} -r {written} is not a requirements file of this repository: "
                    "name one that is checked"
                )
            case TargetKind.MANIFEST:
                return self._from_manifest(target)
            case TargetKind.CHANGE:
                return UnpinnedInstall(
                    f"{target.tool} {written} changes what the pins mean: remove it, or configure "
                    "the installer"
                )
            case TargetKind.SYSTEM:
                package = _SYSTEM_PYTHON.fullmatch(re.split(r"[=:<>]", value)[0])
                if package is None or _is_part(package[1] or package[2]):
                    return None
                return UnpinnedInstall(
                    f"{target.tool} {written} is a system package: {_INSTEAD}",
                    canonicalize_name(package[1] or package[2]),
                )
            case TargetKind.CONDA:
                value = _CHANNEL.sub("", value)
                if not is_python_package(re.split(r"[<>=!~\[\s]", value)[0]):
                    return None
        return self._anything(target, value, unknown, in_image=in_image)

    def _from_manifest(self, target: InstallTarget) -> UnpinnedInstall | None:
        manifests = target.word.value.split("|")
        if not self._names.isdisjoint(manifests):
            return None
        return UnpinnedInstall(
            f"{target.tool} installs from {' or '.join(manifests)}, and this repository has none "
            f"that is checked: {_INSTEAD}"
        )

    def _anything(  # noqa: PLR0911 - one for each kind
        self, target: InstallTarget, value: str, unknown: UnpinnedInstall, *, in_image: bool
    ) -> UnpinnedInstall | None:
        written = shorten(target.word.source)
        place = _EXTRAS.sub("", value)
        if "://" in value or value.startswith(("git+", "hg+", "svn+", "bzr+")):
            return UnpinnedInstall(f"{target.tool} {written} is an address: {_INSTEAD}")
        if place.lower().endswith(_ARCHIVES):
            return UnpinnedInstall(f"{target.tool} {written} is an archive: {_INSTEAD}")
        if target.kind is TargetKind.FOLDER or "/" in place or place in (".", ".."):
            if place.strip("./") == "" and not place.startswith("/"):
                manifests = InstallTarget(
                    f"{target.tool} {written}",
                    TargetKind.MANIFEST,
                    Word("pyproject.toml|setup.py|setup.cfg", written),
                )
                return self._from_manifest(manifests)
            if self._is_known(place, self._projects, in_image=in_image):
                return None
            if UNKNOWN in place:
                return unknown
            return UnpinnedInstall(
                f"{target.tool} {written} is not a project of this repository: "
                "publish it, and pin it in a requirements file"
            )
        name = _NAME.match(_CHANNEL.sub("", value))
        if name is None:
            return unknown
        if UNKNOWN in _BEYOND_NAME.split(value, maxsplit=1)[0]:
            return unknown
        distribution = canonicalize_name(name[0])
        return UnpinnedInstall(f"{target.tool} {written} is not pinned: {_INSTEAD}", distribution)

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
        if not patterns:
            return False
        for path in paths:
            shared = patterns[-1:] if is_elsewhere else patterns
            tail = path[-len(shared) :]
            if len(tail) == len(shared) and all(map(fnmatchcase, tail, shared)):
                return True
        return False


def _is_part(name: str) -> bool:
    """Whether the rest of the name of a system package is a part of Python itself."""
    return re.fullmatch(rf"(?:{names('parts')})(?:[-=:/].*)?", name) is not None


def _is_image(path: str) -> bool:
    """Whether the commands of a file run in an image, or where one is built."""
    name = PurePosixPath(path).name.lower()
    is_yaml = name.endswith((".yml", ".yaml")) and ".github/" not in path
    return is_yaml or "dockerfile" in name or "containerfile" in name
