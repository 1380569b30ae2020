"""Finds the files of a repository, and their kinds."""

import os
import re
import stat
import subprocess
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pinproof.repository.kinds import Kind, kind_of

# What version control contains about itself, and what package managers install.
_NEVER_READ = frozenset({".bzr", ".git", ".hg", ".svn"})
_INSTALLED = frozenset({"__pypackages__", "node_modules", "site-packages"})
# What tools write; read if git tracks it.
_GENERATED = frozenset(
    {".cache", ".eggs", ".hypothesis", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache"}
    | {".tox", ".venv", "__pycache__"}
)
# What conda has in addition to site-packages, next to its conda-meta.
_CONDA_FOLDERS = frozenset({"conda-meta", "pkgs"})
# The standard library in an environment.
_LIBRARY = re.compile(r"(?:^|/)(?:lib|lib64)/(?:python|pypy)\d[\d.]*$")


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The files of a repository, as paths relative to the root with "/" between folders.

    Attributes:
        kinds: The kind of each file, by path, sorted.
        unreadable: The folders that cannot be listed, sorted.
        skipped: The folders of installed packages and of tools, which are not read, sorted.
    """

    kinds: Mapping[str, Kind]
    unreadable: tuple[str, ...]
    skipped: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The files that may have requirements."""
        return tuple(path for path, kind in self.kinds.items() if kind.has_pins)

    @property
    def scripts(self) -> tuple[str, ...]:
        """The files that may have commands."""
        return tuple(path for path, kind in self.kinds.items() if kind.has_commands)

    @property
    def unread(self) -> Mapping[str, int]:
        """The number of files of each kind that pin or install something that is not read."""
        return Counter(kind.name for kind in self.kinds.values() if kind.unread)


NOTHING_FOUND = FoundFiles({}, (), ())


def find_files(root: Path, exclude: Collection[str] = ()) -> FoundFiles:
    """Find the files below `root`.

    In a repository of git, these are the files that it tracks, and those that it neither tracks nor
    ignores. Elsewhere, they are all files. The contents of installed environments, the files of
    version control and `exclude` are skipped, and so are caches that git does not track. Links to
    folders are not followed, because their targets are elsewhere in the repository, or outside.
    """
    walk = _Walk(root, frozenset(exclude))
    tracked = _listed_by_git(root)
    if tracked:
        for path, is_tracked in tracked:
            walk.add(path, is_tracked=is_tracked)
    else:
        walk.folder("")
    return walk.found()


class _Walk:
    """Collects the files below a root."""

    def __init__(self, root: Path, excluded: frozenset[str]) -> None:
        self._root = root
        self._excluded = excluded
        self._paths: list[str] = []
        self._unreadable: list[str] = []
        self._skipped: set[str] = set()
        # Whether the folder of a path is read, by its path.
        self._is_read: dict[tuple[str, bool], bool] = {("", True): True, ("", False): True}

    def found(self) -> FoundFiles:
        return FoundFiles(
            kinds={path: kind_of(path) for path in sorted(self._paths)},
            unreadable=tuple(sorted(self._unreadable)),
            skipped=tuple(sorted(self._skipped)),
        )

    def add(self, path: str, *, is_tracked: bool) -> None:
        """Add what git lists: a file, or the folder of another repository of git."""
        name = path.rstrip("/")
        if self._is_folder(name):
            if self._reads(name, is_tracked):
                self.folder(f"{name}/")
        elif self._reads(path.rpartition("/")[0], is_tracked):
            self._file(path)

    def _is_folder(self, path: str) -> bool:
        try:
            # A path object for each file would take longer than all the rest.
            return stat.S_ISDIR(os.lstat(f"{self._root}/{path}").st_mode)
        except OSError:
            return False

    def folder(self, folder: str) -> None:
        """Add everything below a folder, whose path is empty or ends with "/"."""
        pending = [folder]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(self._root / folder) as listing:
                    entries = list(listing)
            except OSError:
                self._unreadable.append(folder or ".")
                continue
            for entry in entries:
                path = folder + entry.name
                if not entry.is_dir(follow_symlinks=False):
                    self._file(path)
                elif self._reads(path, is_tracked=False):
                    pending.append(f"{path}/")

    def _file(self, path: str) -> None:
        if path in self._excluded:
            return
        place = f"{self._root}/{path}"
        try:
            is_file = stat.S_ISREG(os.stat(place).st_mode)  # noqa: PTH116 - as above
        except OSError:
            # A broken link counts as a file, so that its reader reports it.
            is_file = os.path.islink(place)  # noqa: PTH114
        if is_file:
            self._paths.append(path)

    def _reads(self, folder: str, is_tracked: bool) -> bool:
        """Whether the files of a folder are read."""
        known = self._is_read.get((folder, is_tracked))
        if known is None:
            parent, _, name = folder.rpartition("/")
            known = self._reads(parent, is_tracked) and folder not in self._excluded
            if known and name in _NEVER_READ:
                known = False
            elif known and self._is_installed(folder, parent, name, is_tracked=is_tracked):
                self._skipped.add(folder)
                known = False
            self._is_read[folder, is_tracked] = known
        return known

    def _is_installed(self, folder: str, parent: str, name: str, *, is_tracked: bool) -> bool:
        if name in _INSTALLED or (name in _GENERATED and not is_tracked):
            return True
        if name in _CONDA_FOLDERS:
            return (self._root / parent / "conda-meta").is_dir()
        if _LIBRARY.search(folder):
            home = self._root / PurePosixPath(folder).parent.parent
            return (home / "pyvenv.cfg").is_file() or (home / "conda-meta").is_dir()
        return False


def _listed_by_git(root: Path) -> list[tuple[str, bool]]:
    """The paths that git lists below a folder, and whether it tracks them; empty without git."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    try:
        listed = subprocess.run(  # noqa: S603 - git, with fixed arguments
            # The setting is of the repository, and may name any program.
            [*("git", "-c", "core.fsmonitor=false", "ls-files", "-t", "-z"), *_LISTED],
            capture_output=True,
            check=True,
            cwd=root,
            env=environment,
        )
    except (OSError, subprocess.CalledProcessError):
        return []
    return list(_entries(listed.stdout))


_LISTED = ("--cached", "--others", "--exclude-standard")


def _entries(output: bytes) -> Iterator[tuple[str, bool]]:
    for entry in dict.fromkeys(output.split(b"\0")):
        if entry:
            # A letter for the state, and a space.
            yield os.fsdecode(entry[2:]), not entry.startswith(b"?")
