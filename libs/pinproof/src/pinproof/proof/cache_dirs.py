"""Folders that are made beside their place, renamed into it when complete, and locked in use."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["NEW", "remove_leftovers", "remove_unused", "share", "staged"]

NEW, _OLD = ".new-", ".old-"

# Not `.lock`, which uv takes for itself.
_LOCK = ".in-use"


@contextmanager
def staged(place: Path) -> Iterator[Path]:
    """A folder to fill, which is put in its place afterwards. Whatever is raised, none is left."""
    staging = Path(tempfile.mkdtemp(prefix=NEW, dir=place.parent))
    lock = os.open(staging / _LOCK, os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield staging
        # Another process may have made the same meanwhile.
        with suppress(OSError):
            staging.rename(place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        os.close(lock)


def share(place: Path, record: str) -> int | None:
    """Lock a folder against removal; None if it is not there, or without its record."""
    try:
        lock = os.open(place / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return None
    fcntl.flock(lock, fcntl.LOCK_SH)
    # Between the two calls another process may have removed it.
    if (place / _LOCK).exists() and (place / record).exists():
        return lock
    os.close(lock)
    return None


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left half made or half removed."""
    for left in (*folder.glob(f"{NEW}*"), *folder.glob(f"{_OLD}*")):
        if left.is_dir():
            remove_unused(left)


def remove_unused(folder: Path) -> bool:
    """Remove a folder unless a process holds it; tell whether it is gone."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Out of its place in one step, so that nobody finds half of it.
        gone = Path(tempfile.mkdtemp(prefix=_OLD, dir=folder.parent))
        folder.rename(gone / "environment")
        shutil.rmtree(gone, ignore_errors=True)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
