"""Replaces several files as one change, as far as a file system allows."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

__all__ = ["clean_up", "replace_files"]

_SUFFIX = ".pinproof-sync"


def replace_files(texts: Mapping[Path, str]) -> None:
    """Write every text beside its file, and then rename all of them into place, in order.

    Each file is at any time either the old or the new one. A process that is killed before the
    first renaming changes nothing. One that is killed between two leaves some files new and the
    others old; so callers give last the file that tells whether the others belong together.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for path, text in texts.items():
            # What a link leads to is replaced, and not the link.
            target = path.resolve()
            temporary = _write_beside(target, text)
            written.append((temporary, target))
            if target.exists():
                shutil.copymode(target, temporary)
            else:
                temporary.chmod(0o644)
        for temporary, target in written:
            temporary.replace(target)
    finally:
        for temporary, _ in written:
            with suppress(FileNotFoundError):
                temporary.unlink()


def clean_up(folders: Iterable[Path]) -> None:
    """Remove what a killed process left beside its files."""
    for folder in folders:
        for left in folder.glob(f".*{_SUFFIX}"):
            left.unlink(missing_ok=True)


def _write_beside(target: Path, text: str) -> Path:
    # Named so that no search for requirements finds it.
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=_SUFFIX)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
