"""Folders of a cache: complete or absent, and locked while a process uses them."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modelseal.temporary_outputs import Temporary, remove_left

# Not `.lock`, which uv uses itself.
_LOCK = ".in-use"
_TEMPORARY = re.compile(r"\.(.+)-[0-9a-f]{16}\.tmp")


@contextmanager
def create_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder to fill, and rename it to `folder` unless an error is raised."""
    with Temporary(folder) as temporary:
        temporary.path.mkdir()
        (temporary.path / _LOCK).touch()
        yield temporary.path
        # Another process may have created the same folder.
        with suppress(OSError):
            temporary.path.rename(folder)


def lock_shared(folder: Path, record: str) -> int | None:
    """Lock a folder against removal.

    Args:
        folder: The folder.
        record: The name of a file that complete folders have.

    Returns:
        The descriptor to close at the end; None if the folder does not exist or is incomplete.
    """
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return None
    fcntl.flock(lock, fcntl.LOCK_SH)
    # Another process may have removed it between the two calls.
    if (folder / _LOCK).exists() and (folder / record).exists():
        return lock
    os.close(lock)
    return None


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary folders and files of killed processes."""
    for path in folder.iterdir():
        if left := _TEMPORARY.fullmatch(path.name):
            remove_left(folder / left[1])


def remove_unused(folder: Path) -> bool:
    """Remove a folder unless a process has locked it. Returns whether it is gone."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Renamed first, so that no process finds a part of it.
        with Temporary(folder) as removed:
            folder.rename(removed.path)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
