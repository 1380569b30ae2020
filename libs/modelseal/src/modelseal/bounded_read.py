"""Read regular files with a size limit, without waiting for pipes or devices."""

import errno
import os
import stat
from pathlib import Path

__all__ = ["read_regular"]


def read_regular(path: Path, size: int) -> bytes:
    """Read a regular file up to one byte more than a limit, enough to know that it is larger.

    A symbolic link is followed. The opened file is checked and not the path, so that the file
    cannot be replaced in between.

    Args:
        path: The file.
        size: Size limit in bytes.

    Raises:
        OSError: It is missing, cannot be read, or is a folder, a pipe, a socket or a device.
    """
    # Without O_NONBLOCK, opening a pipe waits for a writer.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(size + 1)
