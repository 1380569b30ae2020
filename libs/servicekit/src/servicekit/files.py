"""Output files that are written completely or not at all, and errors of paths."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from modelseal import path_kinds
from modelseal.temporary_outputs import Temporary

_NO_ROOM: Final = "Make room, or give another place."
_REMEDIES: Final = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EFBIG: "Raise the limit on the size of files (ulimit -f), or give another place.",
    errno.ENAMETOOLONG: "Give a shorter name.",
}
_ANOTHER_PLACE: Final = "Give a place in a folder that exists and that you may write to."


class DataError(Exception):
    """A table or file cannot be used. The message says which one, where, why and what to do."""


class TryLaterError(DataError):
    """The source of an input does not answer now; a later run may succeed."""


class NewFile:
    """A temporary file that replaces its destination when it is complete.

    Use it as a context manager. An error inside the block removes the temporary file and leaves
    the destination unchanged. Temporary files that killed runs left for the same destination are
    removed first. The constructor checks that the destination can be written, so that a command
    fails before its work.

    Args:
        destination: The file to write. A link is followed.

    Attributes:
        destination: The file to write.
        path: The temporary file. It exists and is empty.

    Raises:
        DataError: The destination is a folder, a pipe or a device, or its folder cannot be
            written. A pipe cannot be replaced atomically.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        with write_errors(destination):
            kind = path_kinds.kind_of(destination)
            if kind not in (None, "file"):
                raise DataError(f"{destination} is a {kind}. Give the name of a file.")
            self._temporary = Temporary(path_kinds.follow(destination))
            self.path = self._temporary.path
            try:
                self.path.touch(0o600, exist_ok=False)
            except BaseException:
                self.discard()
                raise

    def __enter__(self) -> Self:
        """Return the file, which exists already."""
        return self

    def write(self, contents: bytes) -> None:
        """Write the contents of the temporary file."""
        with write_errors(self.destination):
            self.path.write_bytes(contents)

    def discard(self) -> None:
        """Remove the temporary file; the destination is unchanged."""
        self._temporary.discard()

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        """Replace the destination, or remove the temporary file after an error."""
        try:
            if kind is None:
                with write_errors(self.destination):
                    self._finish()
        finally:
            self.discard()

    def _finish(self) -> None:
        # Private until it is complete; then with the permissions of an ordinary new file.
        mask = os.umask(0)
        os.umask(mask)
        self.path.chmod(0o666 & ~mask)
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self._temporary.put_file()


def write_file(destination: Path, contents: bytes) -> None:
    """Write a file completely or not at all (see `NewFile`).

    Raises:
        DataError: It cannot be written.
    """
    with NewFile(destination) as file:
        file.write(contents)


def check_writable(destination: Path) -> None:
    """Check that a file can be written, before the work that makes its contents.

    Raises:
        DataError: It cannot be written.
    """
    NewFile(destination).discard()


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's contents, as 64 hexadecimal digits.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(folder: Path) -> None:
    """Make a folder for outputs and its parents, unless it exists.

    Raises:
        DataError: It cannot be made, or something else has its name.
    """
    with write_errors(folder):
        kind = path_kinds.kind_of(folder)
        if kind not in (None, "folder"):
            raise DataError(f"{folder} is a {kind}. Give the name of a folder.")
        path_kinds.make_folder(folder)


def check_not_input(destination: Path, *inputs: Path) -> None:
    """Refuse to write an output over one of the inputs.

    Raises:
        DataError: They are the same file, by whatever name, or that cannot be determined.
    """
    with write_errors(destination):
        if path_kinds.kind_of(destination) is None:
            return
    for one in inputs:
        with read_errors(one):
            if path_kinds.kind_of(one) is not None and one.samefile(destination):
                raise DataError(
                    f"{destination} is the input itself. Give another file for the output."
                )


@contextlib.contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` into a `DataError` that names the path, the reason and the remedy.

    Raises:
        DataError: The path cannot be read.
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
    """Turn an `OSError` into a `DataError` that names the path, the reason and the remedy.

    Raises:
        DataError: The path cannot be written.
    """
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, _ANOTHER_PLACE)
        raise DataError(
            f"{destination} cannot be written: {error.strerror or error}. {remedy} "
            "Nothing was written."
        ) from error
