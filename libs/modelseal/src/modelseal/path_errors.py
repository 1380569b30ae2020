"""What is wrong with paths that a command was given, as errors for people."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from modelseal.errors import PathError
from modelseal.manifest import MANIFEST_NAME
from modelseal.paths import kind_of

__all__ = ["check_model", "path_errors"]

_PATHS: Final = (
    errno.EACCES,
    errno.EPERM,
    errno.EINVAL,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.ENOTDIR,
    errno.EROFS,
)


def check_model(folder: Path) -> None:
    """Refuse a folder of a sealed model that cannot be searched.

    Raises:
        PathError: It cannot. A folder that is missing or is no model is refused where it is read.
    """
    with path_errors():
        kind_of(folder / MANIFEST_NAME)


@contextmanager
def path_errors() -> Iterator[None]:
    """Turn the errors of the operating system that say that a path is unusable.

    Raises:
        PathError: In place of such an OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _PATHS or error.filename is None:
            raise
        raise PathError(
            f"{error.filename} cannot be used: {error.strerror}.",
            remedy="Check the path, and that this user may use it.",
        ) from error
