"""Kinds of files at paths, and checks of paths: too long, not UTF-8, links, not regular files."""

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

__all__ = ["Kind", "check_names", "follow", "kind_of", "make_folder", "printable"]

Kind = Literal["file", "folder", "pipe", "socket", "device"]

_KINDS: Final[Mapping[int, Kind]] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}
# The limits of Linux and its file systems.
_MAX_NAME_BYTES: Final = 255
_MAX_PATH_BYTES: Final = 4095


def kind_of(path: Path) -> Kind | None:
    """The kind of the file at a path, after following links; None if there is no file.

    Raises:
        OSError: A folder in the path cannot be searched or is not a folder, a name is too long or
            has a NUL byte, or a link points to itself.
    """
    check_names(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    return _KINDS.get(stat.S_IFMT(mode), "device")


def check_names(path: Path) -> None:
    """Check the names in a path, before its first folder is created.

    Raises:
        OSError: A name or the path is too long, or has a NUL byte.
    """
    raw = os.fsencode(path)
    if b"\0" in raw:
        raise OSError(errno.EINVAL, "The name has a NUL byte", str(path))
    if len(raw) > _MAX_PATH_BYTES or any(len(name) > _MAX_NAME_BYTES for name in raw.split(b"/")):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path))


def follow(path: Path) -> Path:
    """The path to write an output to: the target of a link, so that the link itself stays.

    Shell redirections, `cp` and `tar` write to the target of a link, too.

    Raises:
        OSError: See `kind_of`.
    """
    kind_of(path)
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def make_folder(path: Path) -> None:
    """Create a folder and its parents, unless it exists.

    Raises:
        OSError: It cannot be created, or a file has its name.
    """
    check_names(path)
    path.mkdir(parents=True, exist_ok=True)


def printable(path: Path | str) -> str:
    r"""A path or name as text that UTF-8 can represent; other bytes are written as ``\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
