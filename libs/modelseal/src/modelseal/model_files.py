"""The files in the folder of a sealed model: read and verify them, write and replace them."""

import hashlib
import os
from pathlib import Path

from modelseal.bounded_read import read_regular
from modelseal.errors import FileDigestError, SealedModelError
from modelseal.manifest import MANIFEST_NAME, RESTORE, FileRecord, Manifest, read_manifest
from modelseal.path_kinds import follow
from modelseal.signature import SIGNATURE_NAME
from modelseal.temporary_outputs import Temporary

__all__ = ["holds_only_a_model", "read_file", "read_files", "replace_file", "write_durably"]


def read_files(directory: Path, manifest: Manifest) -> dict[str, bytes]:
    """Read every file of a sealed model once, and verify the bytes that were read.

    Returns:
        The verified contents by file name.

    Raises:
        FileDigestError: A file is missing, cannot be read, or is not the one that was sealed.
    """
    return {name: read_file(directory / name, record) for name, record in manifest.files.items()}


def read_file(path: Path, record: FileRecord) -> bytes:
    """Read one file of a sealed model once, and verify the bytes that were read.

    Raises:
        FileDigestError: It is missing, cannot be read, or is not the one that was sealed.
    """
    try:
        contents = read_regular(path, record.size)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise FileDigestError(message, remedy=RESTORE) from error
    if len(contents) != record.size:
        found = "more" if len(contents) > record.size else f"{len(contents)}"
        message = f"{path} has {found} bytes, but {record.size} were sealed."
        raise FileDigestError(message, remedy=RESTORE)
    digest = hashlib.sha256(contents).hexdigest()
    if digest != record.sha256:
        message = f"{path} has the SHA-256 {digest}, but {record.sha256} was sealed."
        raise FileDigestError(message, remedy=RESTORE)
    return contents


def holds_only_a_model(folder: Path) -> bool:
    """Whether a folder is a sealed model without any other files, so that it may be replaced.

    Raises:
        OSError: The folder cannot be listed.
    """
    try:
        manifest, _ = read_manifest(folder)
    except SealedModelError:
        return False
    own = {MANIFEST_NAME, SIGNATURE_NAME, *manifest.files}
    return {path.name for path in folder.iterdir()} <= own


def write_durably(path: Path, contents: bytes) -> None:
    """Write a file that survives a loss of power."""
    with path.open("wb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())


def replace_file(folder: Path, name: str, contents: bytes) -> None:
    """Write or replace one file in the folder of a model, whole or not at all.

    Raises:
        OSError: The file cannot be written. The folder is unchanged.
    """
    target = follow(folder)
    # Next to the folder: a temporary file that a kill leaves is not a file of the model.
    with Temporary(target) as temporary:
        write_durably(temporary.path, contents)
        temporary.path.replace(target / name)
