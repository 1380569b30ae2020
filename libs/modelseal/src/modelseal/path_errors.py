"""Error messages for paths that a command cannot use."""

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
    """Check that the folder of a sealed model can be searched.

    Raises:
        PathError: It cannot be searched. A missing folder, or one without a model, is no error
            here; reading it raises one.
    """
    with path_errors():
        kind_of(folder / MANIFEST_NAME)


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
