"""The files of a sealed model: each is read once, and what was read is verified."""

import hashlib
from pathlib import Path

from modelseal.errors import FileDigestError
from modelseal.manifest import RESEAL, FileRecord, Manifest
from modelseal.regular_files import read_regular

__all__ = ["read_file", "read_files"]


def read_files(directory: Path, manifest: Manifest) -> dict[str, bytes]:
    """Read every file of a sealed model once, and verify what was read.

    Returns:
        The verified contents by file name.

    Raises:
        FileDigestError: A file is missing, cannot be read, or is not the one that was sealed.
    """
    return {name: read_file(directory / name, record) for name, record in manifest.files.items()}


def read_file(path: Path, record: FileRecord) -> bytes:
    """Read one file of a sealed model once, and verify what was read.

    Raises:
        FileDigestError: It is missing, cannot be read, or is not the one that was sealed.
    """
    try:
        contents = read_regular(path, record.size)
    except OSError as error:
        raise FileDigestError(f"{path} cannot be read: {error.strerror}.", remedy=RESEAL) from error
    if len(contents) != record.size:
        relation = "more" if len(contents) > record.size else f"{len(contents)}"
        raise FileDigestError(
            f"{path} has {relation} bytes, but {record.size} were sealed.", remedy=RESEAL
        )
    digest = hashlib.sha256(contents).hexdigest()
    if digest != record.sha256:
        raise FileDigestError(
            f"{path} has the SHA-256 {digest}, but {record.sha256} was sealed.", remedy=RESEAL
        )
    return contents
