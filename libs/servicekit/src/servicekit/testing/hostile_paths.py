"""Paths that cannot be used, and a snapshot of a folder, for tests of commands."""

import ctypes
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

HOSTILE: Final[Mapping[str, str]] = {
    "in a folder that cannot be searched": "closed/inside",
    "of a name over 255 bytes": "x" * 256,
    "over 4,096 bytes": "/".join(["d" * 100] * 42),
    "of a link to itself": "loop",
    "below a file": "file/inside",
}
"""Paths, relative to the folder that `make_hostile` was given; a suffix may be added to each."""

_VERSION_3: Final = 0x20080522
_READ_AND_SEARCH_ANYTHING: Final = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


def make_hostile(folder: Path, suffix: str = "") -> None:
    """Make what the paths of `HOSTILE` lead to, with a suffix added to each."""
    closed = folder / "closed"
    closed.mkdir(exist_ok=True)
    closed.chmod(0o700)
    (closed / f"inside{suffix}").touch()
    closed.chmod(0)
    (folder / f"loop{suffix}").symlink_to(f"loop{suffix}")
    (folder / "file").touch()


@contextmanager
def permissions_hold() -> Iterator[None]:
    """Drop root's right to read and write everything, in this thread, inside the block."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice

    def checked(result: int) -> None:
        if result:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    checked(libc.capget(header, data))
    effective = data[0]
    data[0] = effective & ~_READ_AND_SEARCH_ANYTHING
    checked(libc.capset(header, data))
    try:
        yield
    finally:
        data[0] = effective
        checked(libc.capset(header, data))


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder, hidden ones too, with the contents of regular files."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        if path.is_file() and not path.is_symlink()
        else None
        for path in sorted(folder.rglob("*"))
    }
