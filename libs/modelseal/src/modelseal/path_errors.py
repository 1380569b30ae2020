"""Error messages for paths that a command cannot use."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from modelseal.errors import PathError

__all__ = ["path_errors"]

_PATHS: Final = (
    errno.EACCES,
    errno.EPERM,
    errno.EINVAL,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.ENOTDIR,
    errno.EROFS,
)


@contextmanager
def path_errors() -> Iterator[None]:
    """Convert the errors of the operating system that mean that a path is unusable.

    Raises:
        PathError: Replaces such an OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _PATHS or error.filename is None:
            raise
        raise PathError(
            f"{error.filename} cannot be used: {error.strerror}.",
            remedy="Check the path and its permissions.",
        ) from error
