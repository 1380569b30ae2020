"""Folders of sealed models: what is in one, writing it, and putting it in its place."""

import os
import shutil
import tempfile
from pathlib import Path

from pinproof.errors import SealedModelError
from pinproof.sealed.manifest import MANIFEST_NAME, read_manifest
from pinproof.sealed.signature import SIGNATURE_NAME

__all__ = ["holds_only_a_model", "replace_file", "replace_folder", "write_durably"]


def holds_only_a_model(folder: Path) -> bool:
    """Whether a folder is a sealed model and has no other files, so that it may be replaced.

    Raises:
        OSError: It cannot be listed.
    """
    try:
        manifest, _ = read_manifest(folder)
    except SealedModelError:
        return False
    own = {MANIFEST_NAME, SIGNATURE_NAME, *manifest.files}
    return {path.name for path in folder.iterdir()} <= own


def write_durably(path: Path, contents: bytes) -> None:
    """Write a file that is still there after a loss of power."""
    with path.open("wb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())


def replace_file(folder: Path, name: str, contents: bytes) -> None:
    """Put a file into the folder of a model, whole or not at all, over one of its name.

    Raises:
        OSError: It cannot be written; what was there before is as it was.
    """
    place = folder.resolve()
    # Beside the model: what a kill leaves behind is then no file in the model's folder.
    with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as staging:
        write_durably(Path(staging) / name, contents)
        (Path(staging) / name).replace(place / name)


def replace_folder(staging: Path, destination: Path) -> None:
    """Put a finished folder in the place of another.

    POSIX has no way to exchange two folders in one step, so between two renames the destination
    is missing; readers see the old model, none, or the new one, never a mixture.
    """
    # mkdtemp makes private folders; a model is read by other users than who wrote it.
    staging.chmod(0o755)
    if not destination.exists():
        staging.rename(destination)
        return
    retired = Path(tempfile.mkdtemp(prefix=f".{destination.name}-old-", dir=destination.parent))
    destination.rename(retired / "model")
    try:
        staging.rename(destination)
    except BaseException:  # a signal, too: what stood there must come back
        (retired / "model").rename(destination)
        raise
    finally:
        shutil.rmtree(retired, ignore_errors=True)
