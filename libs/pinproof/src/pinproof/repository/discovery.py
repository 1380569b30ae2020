"""Finds the files of a repository that hold requirements, and those that may install some."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pinproof.repository.script_names import is_script_name

__all__ = ["Found", "find_files"]

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

# What makes the folder that holds it an installed environment, whatever that folder is called.
_ENVIRONMENT_MARKERS = frozenset({"pyvenv.cfg", "conda-meta"})


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, as paths relative to its root with "/" between folders.

    Attributes:
        files: The files that hold requirements, in a stable order.
        scripts: The files that may hold commands, in a stable order.
        unreadable: The folders that could not be listed.
    """

    files: tuple[str, ...]
    scripts: tuple[str, ...]
    unreadable: tuple[str, ...]


def find_files(root: Path, exclude: Collection[str] = ()) -> Found:
    """Find every `pyproject.toml`, requirements file, constraints file and script below `root`.

    A requirements file is known by its name, or because it is a `.txt` file in a folder named
    `requirements`. Version control, installed environments, caches, `node_modules` and what
    `exclude` names are skipped. Links to folders are not followed: what they show lies elsewhere
    in the repository, or outside it.
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
    return Found(tuple(sorted(files)), tuple(sorted(scripts)), tuple(sorted(unreadable)))


def _is_requirements_name(folder: str, name: str) -> bool:
    if f"/{folder}".endswith("/requirements/") and name.endswith(".txt"):
        return True
    return any(fnmatchcase(name, pattern) for pattern in _NAMES)


def _is_file_or_broken(entry: os.DirEntry[str]) -> bool:
    # A link that leads nowhere counts as a file, so that its reader reports it.
    path = Path(entry.path)
    return path.is_file() or (path.is_symlink() and not path.exists())
