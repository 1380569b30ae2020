"""Files that appear in their place whole, or not at all."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["DataError", "NewFile", "TryLaterError", "write_errors"]

_NO_ROOM: Final = "Make room, or give another place."
_REMEDIES: Final = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f), or give another place.",
    errno.ENAMETOOLONG: "Give a shorter name.",
}
_ANOTHER_PLACE: Final = "Give a place in a folder that exists and that you may write to."


class DataError(Exception):
    """A table or file cannot be used. The message says which, where, why and what to do."""


class TryLaterError(DataError):
    """Input cannot be had now, and may be later: what gives it does not answer."""


class NewFile:
    """A file that is written beside its destination, and takes its place when it is complete.

    Used as a context manager. When an error leaves the block, the temporary file is removed and
    the destination is as it was before.

    Args:
        destination: Where the file will be. Whether it can be is known at once, before the work
            that fills it.

    Attributes:
        destination: As given.
        path: The temporary file, which is there already, and empty.

    Raises:
        DataError: A folder stands there, or the folder around it cannot be written.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        with write_errors(destination):
            if destination.is_dir():
                raise DataError(f"{destination} is a folder. Give the name of a file.")
            handle, name = tempfile.mkstemp(
                prefix=f".{destination.name}-", suffix=destination.suffix, dir=destination.parent
            )
        self.path = Path(name)
        os.close(handle)

    def __enter__(self) -> Self:
        """Begin; the temporary file is there already."""
        return self

    def write(self, contents: bytes) -> None:
        """Make these the contents of the file."""
        with write_errors(self.destination):
            self.path.write_bytes(contents)

    def discard(self) -> None:
        """Remove the temporary file; the destination is as it was."""
        self.path.unlink(missing_ok=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the file in its place, or remove it where an error left the block."""
        try:
            if kind is None:
                with write_errors(self.destination):
                    self._finish()
        finally:
            self.discard()

    def _finish(self) -> None:
        # mkstemp makes private files; this one is as readable as any that a user makes.
        mask = os.umask(0)
        os.umask(mask)
        self.path.chmod(0o666 & ~mask)
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(self.destination)


@contextlib.contextmanager
def write_errors(destination: Path) -> Iterator[None]:
    """Say of an error of the operating system what could not be written, why, and what to do.

    Raises:
        DataError: In place of the OSError.
    """
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, _ANOTHER_PLACE)
        raise DataError(
            f"{destination} cannot be written: {error.strerror or error}. {remedy} "
            "Nothing was written."
        ) from error
