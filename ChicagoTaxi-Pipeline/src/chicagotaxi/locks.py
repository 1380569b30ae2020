"""A lock on a folder, for one process at a time."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from servicekit.files import DataError, write_errors

_LOCK: Final = ".lock"


class LockedError(DataError):
    """Another process holds the folder's lock."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock. The system releases it when the process ends, also after a kill.

    Raises:
        LockedError: Another process holds it.
        DataError: The folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with write_errors(folder):
            file = stack.enter_context((folder / _LOCK).open("a"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockedError(
                    f"Another run writes to {folder}. Wait until it ends, or give another folder."
                ) from None
        yield
