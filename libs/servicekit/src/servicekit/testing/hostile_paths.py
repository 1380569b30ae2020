"""For tests of commands: paths that cannot be used, and how every command must end with them.

Such a path ends a command with exit code 2 and one message, before any long work, and nothing in
the folder that it works in is made, changed or removed.
"""

import ctypes
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

__all__ = ["HOSTILE", "check_refused", "make_hostile", "permissions_hold", "snapshot"]

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


class Ended(Protocol):
    """How a command ended, as typer's and click's runners for tests say it."""

    @property
    def exit_code(self) -> int:
        """The exit code."""

    @property
    def output(self) -> str:
        """Both streams."""

    @property
    def stderr(self) -> str:
        """Standard error."""

    @property
    def exception(self) -> BaseException | None:
        """What ended it."""


def check_refused(
    invoke: Callable[[list[str]], Ended],
    command: str,
    *,
    path: str,
    suffix: str,
    given: Mapping[str, str],
) -> None:
    """Run a command with a path that cannot be used, in the current folder.

    Args:
        invoke: Runs the service's command with some words, in this process.
        command: The command's words, with ``HOSTILE`` in place of the path.
        path: One of `HOSTILE`.
        suffix: What the command wants the path to end in.
        given: What to put in the place of other words.

    Raises:
        AssertionError: It ended otherwise than with 2 and one message, or changed a file.
    """
    folder = Path.cwd()
    make_hostile(folder, suffix)
    before = snapshot(folder)
    try:
        with permissions_hold():
            words = {**given, "HOSTILE": f"{path}{suffix}"}
            done = invoke([words.get(word, word) for word in command.split()])
        what = f"{done.exit_code}: {done.output}, {done.exception!r}"
        assert done.exit_code == 2, what  # noqa: S101, PLR2004 - as a test does
        assert isinstance(done.exception, SystemExit), what  # noqa: S101
        assert done.stderr.count("error: ") == 1, what  # noqa: S101
        # An empty folder may have been made, to see that it can be.
        made = {name: held for name, held in snapshot(folder).items() if name not in before}
        assert all(not held and (folder / name).is_dir() for name, held in made.items()), made  # noqa: S101
        assert before.items() <= snapshot(folder).items(), what  # noqa: S101
    finally:
        (folder / "closed").chmod(0o700)  # so that it can be removed


def make_hostile(folder: Path, suffix: str = "") -> None:
    """Make what the paths of `HOSTILE` lead to: once for each suffix that is added to them."""
    closed = folder / "closed"
    closed.mkdir(exist_ok=True)
    closed.chmod(0o700)
    (closed / f"inside{suffix}").touch()
    closed.chmod(0)
    (folder / f"loop{suffix}").symlink_to(f"loop{suffix}")
    (folder / "file").touch()


@contextmanager
def permissions_hold() -> Iterator[None]:
    """Do without root's right to read and write everything, in this thread, for a while."""
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
