"""Read files of a model's folder, whatever somebody put in their place."""

import errno
import os
import stat
from pathlib import Path

__all__ = ["read_regular"]


def read_regular(path: Path, size: int) -> bytes:
    """Read a regular file up to one byte more than a size: enough to know that it is larger.

    A symbolic link is followed. What is opened is what is checked, so that nothing can be put in
    its place between the two.

    Args:
        path: The file.
        size: The size in bytes that it may have.

    Raises:
        OSError: It is missing, cannot be read, or is a folder, a pipe, a socket or a device.
    """
    # Without O_NONBLOCK, opening a pipe would wait for somebody to write into it.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(size + 1)
