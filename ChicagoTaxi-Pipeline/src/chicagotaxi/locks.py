"""One process at a time in a folder."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from servicekit.files import DataError, write_errors

_LOCK: Final = ".lock"


class AtWorkError(DataError):
    """Another process holds the folder's lock."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which the system releases when the process ends in any way.

    Raises:
        AtWorkError: Another process holds it.
        DataError: The folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with write_errors(folder):
            file = stack.enter_context((folder / _LOCK).open("a"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AtWorkError(
                    f"Another run writes to {folder}. Wait for its end, or give another folder."
                ) from None
        yield
