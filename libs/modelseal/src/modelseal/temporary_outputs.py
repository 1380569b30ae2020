"""Temporary files and folders next to their destination, removed by the next run after a kill.

A run locks a small file of its own, and the system releases the lock when the process ends, even
if it is killed. The next run for the same destination removes the temporary files whose lock is
free, and so never those of a running process.
"""

import atexit
import contextlib
import ctypes
import errno
import fcntl
import os
import re
import secrets
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Final

__all__ = ["Temporary", "exchange", "remove_left"]

# File names have at most 255 bytes, with the parts that are added to the stem.
_MAX_STEM: Final = 180
_MAX_SUFFIX: Final = 30

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2
_NO_EXCHANGE: Final = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)

# Those that exist, with their destinations and processes. A signal may end a process between the
# creation of a file and the beginning of the block that removes it.
_existing: Final[dict[Path, tuple[Path, int]]] = {}


class Temporary:
    """The path of a temporary file or folder that replaces its destination when it is complete.

    Use it as a context manager: it removes the temporary file or folder at the end, unless it was
    put at its destination. Those that killed runs left for the same destination are removed first.

    Args:
        destination: Path of the output. Its folder exists.

    Attributes:
        path: Path of the temporary file or folder, which the caller creates. It has the suffix of
            the destination.

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(self, destination: Path) -> None:
        remove_left(destination)
        self._destination = destination
        self._lock_path, lock = _locked_file(destination)
        self._lock: int | None = lock
        self.path = _new(self._lock_path, destination)

    def __enter__(self) -> "Temporary":  # noqa: PYI034 - Python 3.10 has no Self
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the temporary file or folder, if it still exists."""
        self.discard()

    def put_file(self) -> None:
        """Replace the destination with the file, in one step."""
        self.path.replace(self._destination)

    def put_folder(self) -> None:
        """Replace the destination with the folder, in one step if the system can exchange folders.

        If it cannot, the destination is missing between two renames. After a kill at that moment,
        the next run restores the old folder.

        Raises:
            OSError: The destination cannot be replaced. It is unchanged.
        """
        if not self._destination.exists():
            self.path.rename(self._destination)
        elif not exchange(self.path, self._destination):
            old = _old(self._lock_path)
            self._destination.rename(old)
            try:
                self.path.rename(self._destination)
            except BaseException:  # signals included
                old.rename(self._destination)
                raise

    def discard(self) -> None:
        """Remove the temporary file or folder, if it still exists. May be called again."""
        _remove(self._lock_path, self._destination)
        _existing.pop(self._lock_path, None)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def remove_left(destination: Path) -> None:
    """Remove the temporary files that killed runs left for a destination.

    Raises:
        FileNotFoundError: The destination's folder does not exist.
    """
    stem = re.compile(f"{re.escape(_stem(destination))}-[0-9a-f]{{16}}\\.tmp")
    # A folder may be writable but not listable.
    with contextlib.suppress(PermissionError):
        for name in os.listdir(destination.parent):  # noqa: PTH208 - names alone, not paths
            if stem.fullmatch(name):
                _remove_if_dead(destination.parent / name, destination)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two files or folders in one step.

    Returns:
        False if the system or the file system cannot exchange files.

    Raises:
        OSError: These two cannot be exchanged.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    if libc.renameat2(*paths, _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _stem(destination: Path) -> str:
    """The first part of the names of a destination's temporary files."""
    name = os.fsencode(destination.name)
    # Some libraries accept only paths in UTF-8.
    if len(name) > _MAX_STEM or not destination.name.isprintable():
        return f".{sha256(name).hexdigest()}"
    return f".{destination.name}"


def _locked_file(destination: Path) -> tuple[Path, int]:
    while True:
        token = secrets.token_hex(8)
        path = destination.parent / f"{_stem(destination)}-{token}.tmp"
        _existing[path] = destination, os.getpid()
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            del _existing[path]
            raise
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Another run may have removed it before it was locked, as that of a killed run.
            if os.fstat(handle).st_nlink:
                return path, handle
        except BaseException:
            path.unlink(missing_ok=True)
            os.close(handle)
            raise
        os.close(handle)
        del _existing[path]


@atexit.register
def _remove_existing() -> None:
    """Remove those of this process, and not those of the process that forked it."""
    for path, (destination, process) in _existing.items():
        if process == os.getpid():
            _remove(path, destination)


def _remove_if_dead(lock_path: Path, destination: Path) -> None:
    try:
        handle = os.open(lock_path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return  # removed by a run that has just ended, or owned by another user
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        old = _old(lock_path)
        if old.exists() and not destination.exists():
            old.rename(destination)
        _remove(lock_path, destination)
    except BlockingIOError:
        return
    finally:
        os.close(handle)


def _new(lock_path: Path, destination: Path) -> Path:
    suffix = destination.suffix
    kept = suffix if suffix.isascii() and len(suffix) <= _MAX_SUFFIX else ""
    return lock_path.with_name(f"{lock_path.name}-new{kept}")


def _old(lock_path: Path) -> Path:
    return lock_path.with_name(f"{lock_path.name}-old")


def _remove(lock_path: Path, destination: Path) -> None:
    """Remove the files of a lock, and then the lock, without which they would not be found."""
    files = (_new(lock_path, destination), _old(lock_path))
    for path in files:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    # Another process may write into a folder while it is removed. The next run tries again.
    if not any(os.path.lexists(path) for path in files):
        lock_path.unlink(missing_ok=True)
