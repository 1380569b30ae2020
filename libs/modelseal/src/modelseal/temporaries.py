"""Temporary outputs: hidden beside their destination, and removed by the next run after a kill.

A run holds a lock on a small file of its own as long as it lives; the system releases the lock
however the run ends. The next run for the same destination removes what it can lock, and so never
what belongs to a run that is alive.
"""

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
from types import TracebackType
from typing import Final, Self

__all__ = ["Temporary", "exchange", "remove_left"]

# A name of at most 255 bytes has room for what is added to this one.
_MAX_STEM: Final = 180
_MAX_SUFFIX: Final = 30

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2
_NO_EXCHANGE: Final = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


class Temporary:
    """A place beside a destination for what will be there, a file or a folder.

    What killed runs for the same destination left is removed first. Used as a context manager;
    what was not put into its place is removed at the end.

    Args:
        destination: Where the output will be. Its folder is there.

    Attributes:
        path: The temporary file or folder, which the caller makes. It ends in the destination's
            suffix.

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(self, destination: Path) -> None:
        remove_left(destination)
        self._destination = destination
        self._lock_path, self._lock = _locked_file(destination)
        self._is_locked = True
        self.path = _new(self._lock_path, destination)

    def __enter__(self) -> Self:
        """Return the place."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what is still there."""
        self.discard()

    def put_file(self) -> None:
        """Put the file in its place, in one step."""
        self.path.replace(self._destination)

    def put_folder(self) -> None:
        """Put the folder in its place, in one step where the system can exchange two folders.

        Where it cannot, the destination is missing between two renames; after a kill at that
        moment, the next run puts the old folder back.

        Raises:
            OSError: It cannot be put there; what was there before is there again.
        """
        if not self._destination.exists():
            self.path.rename(self._destination)
        elif not exchange(self.path, self._destination):
            old = _old(self._lock_path)
            self._destination.rename(old)
            try:
                self.path.rename(self._destination)
            except BaseException:  # a signal, too: what was there must come back
                old.rename(self._destination)
                raise

    def discard(self) -> None:
        """Remove what is still there. May be repeated."""
        _remove(self._lock_path, self._destination)
        if self._is_locked:
            self._is_locked = False
            os.close(self._lock)


def remove_left(destination: Path) -> None:
    """Remove what killed runs for a destination left beside it, and nothing of those alive.

    Raises:
        FileNotFoundError: The destination's folder is not there.
    """
    stem = re.compile(f"{re.escape(_stem(destination))}-[0-9a-f]{{16}}\\.tmp")
    # A folder that may be written but not listed keeps what is in it.
    with contextlib.suppress(PermissionError):
        for name in os.listdir(destination.parent):  # noqa: PTH208 - names alone, not paths
            if stem.fullmatch(name):
                _remove_if_dead(destination.parent / name, destination)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two files or folders in one step, if the system can; whether it could.

    Raises:
        OSError: It can, but not these two.
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
    """The beginning of the names of a destination's temporaries."""
    name = os.fsencode(destination.name)
    # Some libraries take no path that is not UTF-8.
    if len(name) > _MAX_STEM or not destination.name.isprintable():
        return f".{sha256(name).hexdigest()}"
    return f".{destination.name}"


def _locked_file(destination: Path) -> tuple[Path, int]:
    while True:
        token = secrets.token_hex(8)
        path = destination.parent / f"{_stem(destination)}-{token}.tmp"
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Another run may have taken it for a dead one's before it was locked.
            if os.fstat(handle).st_nlink:
                return path, handle
        except BaseException:
            path.unlink(missing_ok=True)
            os.close(handle)
            raise
        os.close(handle)


def _remove_if_dead(lock_path: Path, destination: Path) -> None:
    try:
        handle = os.open(lock_path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return  # of a run that ended just now, or of another user
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
    """Remove what belongs to a lock, and the lock last: what has none is never found."""
    for path in (_new(lock_path, destination), _old(lock_path)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    lock_path.unlink(missing_ok=True)
