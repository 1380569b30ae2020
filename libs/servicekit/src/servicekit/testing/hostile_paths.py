"""Paths that cannot be used, and a snapshot of a folder, for tests of commands."""

from collections.abc import Mapping
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


def make_hostile(folder: Path, suffix: str = "") -> None:
    """Make what the paths of `HOSTILE` lead to, with a suffix added to each."""
    closed = folder / "closed"
    closed.mkdir(exist_ok=True)
    closed.chmod(0o700)
    (closed / f"inside{suffix}").touch()
    closed.chmod(0)
    (folder / f"loop{suffix}").symlink_to(f"loop{suffix}")
    (folder / "file").touch()


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder, hidden ones too, with the contents of regular files."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        if path.is_file() and not path.is_symlink()
        else None
        for path in sorted(folder.rglob("*"))
    }
