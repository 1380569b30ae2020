"""Folders of sealed models: what is in one, writing it, and putting it in its place."""

import os
from pathlib import Path

from modelseal.errors import SealedModelError
from modelseal.manifest import MANIFEST_NAME, read_manifest
from modelseal.paths import follow
from modelseal.signature import SIGNATURE_NAME
from modelseal.temporaries import Temporary

__all__ = ["holds_only_a_model", "replace_file", "write_durably"]


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
    place = follow(folder)
    # Beside the model: what a kill leaves behind is then no file in the model's folder.
    with Temporary(place) as staging:
        write_durably(staging.path, contents)
        staging.path.replace(place / name)
