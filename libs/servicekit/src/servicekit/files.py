"""Files that appear in their place whole, or not at all."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from modelseal import paths
from modelseal.temporaries import Temporary

__all__ = [
    "DataError",
    "NewFile",
    "TryLaterError",
    "check_not_input",
    "make_folder",
    "read_errors",
    "write_errors",
]

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
    the destination is as it was before. What a killed run for the same destination left is removed
    first.

    Args:
        destination: Where the file will be, or a link to it, which is followed. Whether it can be
            written is known at once, before the work that fills it.

    Attributes:
        destination: As given.
        path: The temporary file, which is there already, and empty.

    Raises:
        DataError: A folder, a pipe or a device is there, or the folder around it cannot be
            written. A pipe cannot be written whole or not at all.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        with write_errors(destination):
            kind = paths.kind_of(destination)
            if kind not in (None, "file"):
                raise DataError(f"{destination} is a {kind}. Give the name of a file.")
            self._temporary = Temporary(paths.follow(destination))
            self.path = self._temporary.path
            try:
                self.path.touch(0o600, exist_ok=False)
            except BaseException:
                self.discard()
                raise

    def __enter__(self) -> Self:
        """Begin; the temporary file is there already."""
        return self

    def write(self, contents: bytes) -> None:
        """Make these the contents of the file."""
        with write_errors(self.destination):
            self.path.write_bytes(contents)

    def discard(self) -> None:
        """Remove the temporary file; the destination is as it was."""
        self._temporary.discard()

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
        # Private until it is complete; then as readable as any that a user makes.
        mask = os.umask(0)
        os.umask(mask)
        self.path.chmod(0o666 & ~mask)
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self._temporary.put_file()


def make_folder(folder: Path) -> None:
    """Make a folder for outputs, and those that it lies in, unless it is there.

    Raises:
        DataError: It cannot be made, or something else has its name.
    """
    with write_errors(folder):
        kind = paths.kind_of(folder)
        if kind not in (None, "folder"):
            raise DataError(f"{folder} is a {kind}. Give the name of a folder.")
        paths.make_folder(folder)


def check_not_input(destination: Path, *inputs: Path) -> None:
    """Refuse to write an output over one of the inputs.

    Raises:
        DataError: They are the same file, under whatever names, or that cannot be known.
    """
    with write_errors(destination):
        if paths.kind_of(destination) is None:
            return
    for one in inputs:
        with read_errors(one):
            if paths.kind_of(one) is not None and one.samefile(destination):
                raise DataError(
                    f"{destination} is the input itself. Give another file for the output."
                )


@contextlib.contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Say of an error of the operating system what could not be read, why, and what to do.

    Raises:
        DataError: In place of the OSError.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}. Check the path, and that you may "
            "read it."
        ) from error


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
