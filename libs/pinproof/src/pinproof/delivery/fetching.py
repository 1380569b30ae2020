"""Fetch a sealed model: verified before it is visible, and never twice what is there already."""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from pinproof.delivery.patience import PATIENCE_S, Patience
from pinproof.delivery.remote import RemoteFolder
from pinproof.delivery.staging import Staging
from pinproof.errors import (
    DeliveryError,
    FileDigestError,
    ManifestDigestError,
    ManifestError,
    SealedModelError,
    UnreachableError,
)
from pinproof.sealed.folders import holds_only_a_model, write_durably
from pinproof.sealed.manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    FileRecord,
    Manifest,
    read_manifest,
)

__all__ = ["CHUNK_BYTES", "fetch"]

CHUNK_BYTES = 8 * 2**20

_AGAIN = "Push the model again, to a folder of its own, and deploy that."


def fetch(
    uri: str,
    destination: Path,
    *,
    sha256: str,
    patience_s: float = PATIENCE_S,
    say: Callable[[str], None] = lambda _line: None,
) -> Manifest:
    """Fetch a sealed model from a bucket into a folder.

    The manifest comes first, and is used only if it has the digest that was asked for. Then each
    file that it lists comes in pieces, into a hidden folder beside the destination, where a later
    try goes on; and when every file has its digest, the folder is renamed into its place.

    Args:
        uri: The folder of the model, see `pinproof.delivery.remote`.
        destination: The folder to write. A sealed model that stands there is replaced; where it
            is the one that is asked for and is intact, nothing is done.
        sha256: The SHA-256 of the model's manifest.
        patience_s: How many seconds without progress are waited for a bucket that does not answer.
        say: Takes lines for people.

    Returns:
        The manifest.

    Raises:
        SealedModelError: What lies there is not the model that was asked for.
        DeliveryError: It cannot be reached or written. What was there before is as it was.
    """
    expected = _digest(sha256)
    try:
        if _is_there(destination, expected):
            say(f"{destination} holds this model already.")
            return read_manifest(destination, expected_sha256=expected)[0]
        staging = Staging(destination, expected)
        with staging.held():
            return _Fetch(RemoteFolder(uri), staging, patience_s, say).run(expected)
    except OSError as error:
        raise DeliveryError(
            f"{destination} cannot be written: {error.strerror or error}.",
            remedy="Make room, or give a folder that this user may write to.",
        ) from error


class _Fetch:
    def __init__(
        self,
        remote: RemoteFolder,
        staging: Staging,
        patience_s: float,
        say: Callable[[str], None],
    ) -> None:
        self._remote = remote
        self._staging = staging
        self._patience = Patience(patience_s, say)
        self._say = say

    def run(self, expected: str) -> Manifest:
        try:
            manifest = self._manifest(expected)
            self._check_room(manifest)
            for name, record in manifest.files.items():
                self._file(name, record)
            self._staging.publish()
        except (OSError, SealedModelError):
            # A disk that is full should not stay so, and what was refused is of no use.
            self._staging.discard()
            raise
        return manifest

    def _manifest(self, expected: str) -> Manifest:
        where = f"{self._remote.uri}/{MANIFEST_NAME}"
        contents = self._patience.attempt(lambda: self._small(MANIFEST_NAME))
        found = hashlib.sha256(contents).hexdigest()
        if found != expected:
            raise ManifestDigestError(
                f"{where} has the SHA-256 {found}, but {expected} was asked for.",
                remedy="Deploy the folder and the digest that `pinproof push` printed together.",
            )
        # Only now is it looked into.
        write_durably(self._staging.model / MANIFEST_NAME, contents)
        return read_manifest(self._staging.model, expected_sha256=expected)[0]

    def _small(self, name: str) -> bytes:
        size = self._size(name)
        if size > MAX_MANIFEST_BYTES:
            raise ManifestError(
                f"{self._remote.uri}/{name} has {size} bytes; a manifest has at most "
                f"{MAX_MANIFEST_BYTES}.",
                remedy=_AGAIN,
            )
        contents = b""
        while len(contents) < size:
            contents += self._read(name, start=len(contents), size=size)
        return contents

    def _check_room(self, manifest: Manifest) -> None:
        parts = self._staging.parts
        have = sum(
            path.stat().st_size
            for folder in (parts, self._staging.model)
            for path in folder.iterdir()
            if path.name in manifest.files
        )
        needed = sum(record.size for record in manifest.files.values()) - have
        if needed > (room := self._staging.room()):
            self._staging.discard()
            raise DeliveryError(
                f"There is no room for the model: {needed} more bytes are needed, and {room} are "
                "free.",
                remedy="Give the volume the size of the model and a tenth more.",
            )

    def _file(self, name: str, record: FileRecord) -> None:
        done, part = self._staging.model / name, self._staging.parts / name
        if done.exists() and _sha256(done) == record.sha256:
            return
        resumed = part.stat().st_size if part.exists() else 0
        begun = f", going on at {resumed}" if resumed else ""
        self._say(f"Fetching {name}, {record.size} bytes{begun}.")
        self._patience.attempt(lambda: self._pieces(name, record.size, part))
        if _sha256(part) != record.sha256 and resumed:
            # What an earlier try left may be what is wrong, as after a loss of power.
            part.unlink()
            self._patience.attempt(lambda: self._pieces(name, record.size, part))
        if (found := _sha256(part)) != record.sha256:
            raise FileDigestError(
                f"{self._remote.uri}/{name} has the SHA-256 {found}, but {record.sha256} was "
                "sealed.",
                remedy=_AGAIN,
            )
        part.rename(done)

    def _pieces(self, name: str, size: int, part: Path) -> None:
        """Append to a part what it lacks."""
        found = self._size(name)
        if found != size:
            raise FileDigestError(
                f"{self._remote.uri}/{name} has {found} bytes, but {size} were sealed.",
                remedy=_AGAIN,
            )
        with part.open("ab") as file:
            while (start := file.tell()) < size:
                file.write(self._read(name, start=start, size=size))
                file.flush()
                self._patience.progressed()
            os.fsync(file.fileno())

    def _size(self, name: str) -> int:
        size = self._remote.size(name)
        if size is None:
            raise DeliveryError(
                f"{self._remote.uri}/{name} does not exist.",
                remedy="Give the folder that `pinproof push` printed.",
            )
        return size

    def _read(self, name: str, *, start: int, size: int) -> bytes:
        length = min(CHUNK_BYTES, size - start)
        contents = self._remote.read(name, start=start, length=length)
        if not contents:
            raise UnreachableError(
                f"{self._remote.uri}/{name}: no bytes came where {length} were asked for.",
                remedy="Try again when the bucket answers.",
            )
        return contents


def _digest(sha256: str) -> str:
    digest = sha256.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise DeliveryError(
            f"{sha256!r} is no SHA-256.", remedy="Give the 64 digits that `pinproof push` printed."
        )
    return digest


def _is_there(destination: Path, expected: str) -> bool:
    """Whether the model is there and intact.

    Raises:
        DeliveryError: Something that is no sealed model is there, and must not be replaced.
    """
    if not destination.exists():
        return False
    if not holds_only_a_model(destination):
        raise DeliveryError(
            f"{destination} exists and is not a sealed model, or holds other files, too.",
            remedy="Give a folder that does not exist, or a sealed model to replace.",
        )
    manifest, sha256 = read_manifest(destination)
    return sha256 == expected and all(
        (path := destination / name).is_file() and _sha256(path) == record.sha256
        for name, record in manifest.files.items()
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
