"""Finds the requirements files of a repository, and the scripts that may install something."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pinproof.repository.script_names import is_script_name

_NAMES = (
    "pyproject.toml",
    "requirements*.txt",
    "*-requirements.txt",
    "*_requirements.txt",
    "constraints*.txt",
    "*-constraints.txt",
)

_SKIPPED_FOLDERS = frozenset(
    {".bzr", ".cache", ".eggs", ".git", ".hg", ".hypothesis", ".mypy_cache", ".nox"}
    | {".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv"}
    | {"__pycache__", "__pypackages__", "node_modules", "site-packages"}
)

# A folder with one of these is an installed environment.
_ENVIRONMENT_MARKERS = frozenset({"pyvenv.cfg", "conda-meta"})


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The files of a repository, as paths relative to the root with "/" between folders.

    Attributes:
        files: The files with requirements, sorted.
        scripts: The files that may contain commands, sorted.
        unreadable: The folders that cannot be listed, sorted.
    """

    files: tuple[str, ...]
    scripts: tuple[str, ...]
    unreadable: tuple[str, ...]


def find_files(root: Path, exclude: Collection[str] = ()) -> FoundFiles:
    """Find every `pyproject.toml`, requirements file, constraints file and script below `root`.

    A requirements file has one of the usual names, or is a `.txt` file in a folder named
    `requirements`. Version control, installed environments, caches, `node_modules` and `exclude`
    are skipped. Links to folders are not followed, because their targets are elsewhere in the
    repository, or outside of it.
    """
    excluded = frozenset(exclude)
    files = []
    scripts = []
    unreadable = []
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as listing:
                entries = list(listing)
        except OSError:
            unreadable.append(folder or ".")
            continue
        if any(entry.name in _ENVIRONMENT_MARKERS for entry in entries):
            continue
        for entry in entries:
            path = folder + entry.name
            if path in excluded:
                continue
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED_FOLDERS:
                    pending.append(f"{path}/")
            elif _is_requirements_name(folder, entry.name) and _is_file_or_broken(entry):
                files.append(path)
            elif is_script_name(entry.name) and entry.is_file():
                scripts.append(path)
    return FoundFiles(tuple(sorted(files)), tuple(sorted(scripts)), tuple(sorted(unreadable)))


def _is_requirements_name(folder: str, name: str) -> bool:
    if f"/{folder}".endswith("/requirements/") and name.endswith(".txt"):
        return True
    return any(fnmatchcase(name, pattern) for pattern in _NAMES)


def _is_file_or_broken(entry: os.DirEntry[str]) -> bool:
    # A broken link counts as a file, so that its reader reports it.
    path = Path(entry.path)
    return path.is_file() or (path.is_symlink() and not path.exists())
