"""What is at a path, whatever the path is: too long, not UTF-8, behind a link, of another kind."""

import errno
import os
import stat
from pathlib import Path
from typing import Final, Literal

__all__ = ["Kind", "check_names", "follow", "kind_of", "make_folder", "printable"]

Kind = Literal["file", "folder", "pipe", "socket", "device"]

# Of every file system that Linux has.
_MAX_NAME_BYTES: Final = 255
_MAX_PATH_BYTES: Final = 4095


def kind_of(path: Path) -> Kind | None:
    """The kind of what a path leads to, links followed; None if nothing is there.

    Raises:
        OSError: That cannot be known: a folder on the way cannot be searched or is no folder, a
            name is too long or holds a NUL byte, or a link leads to itself.
    """
    check_names(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def check_names(path: Path) -> None:
    """Check what no file system takes, before the first folder of a path is made.

    Raises:
        OSError: A name is too long or holds a NUL byte.
    """
    raw = os.fsencode(path)
    if b"\0" in raw:
        raise OSError(errno.EINVAL, "The name holds a NUL byte", str(path))
    if len(raw) > _MAX_PATH_BYTES or any(len(name) > _MAX_NAME_BYTES for name in raw.split(b"/")):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), str(path))


def follow(path: Path) -> Path:
    """Where an output is written: what a link leads to is replaced, and not the link.

    So do shell redirections, `cp` and `tar`; whoever made the link wants its target written.

    Raises:
        OSError: See `kind_of`.
    """
    kind_of(path)
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def make_folder(path: Path) -> None:
    """Make a folder and those that it lies in, unless it is there.

    Raises:
        OSError: It cannot be made, or something else has its name.
    """
    check_names(path)
    path.mkdir(parents=True, exist_ok=True)


def printable(path: Path | str) -> str:
    r"""A path or name as text that UTF-8 can hold; other bytes are written as ``\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
