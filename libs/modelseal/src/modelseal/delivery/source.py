"""What `fetch` reads of a bucket: sizes, pieces of files, and the manifest with its signature."""

import hashlib
from collections.abc import Sequence

from modelseal.delivery.remote import RemoteFolder
from modelseal.delivery.retrying import Retrier
from modelseal.errors import BadSignatureError, DeliveryError, ManifestError, UnreachableError
from modelseal.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES
from modelseal.signature import (
    MAX_SIGNATURE_BYTES,
    SIGNATURE_NAME,
    parse_signature,
    verify_signature,
)

__all__ = ["AGAIN", "CHUNK_BYTES", "Source"]

CHUNK_BYTES = 8 * 2**20

AGAIN = "Push the model again, to a folder of its own, and deploy that."


class Source:
    """A folder of a bucket that a model is fetched from.

    Args:
        remote: The folder.
        retrier: What tries again while the bucket does not answer.
    """

    def __init__(self, remote: RemoteFolder, retrier: Retrier) -> None:
        self.uri = remote.uri
        self.retrier = retrier
        self._remote = remote

    def signed_digest(self, signers: Sequence[str]) -> str:
        """The SHA-256 of the manifest that lies there, which one of the signers signed.

        Raises:
            SealedModelError: It has no signature that is accepted.
            DeliveryError: It cannot be reached.
        """
        sha256 = hashlib.sha256(self.manifest()).hexdigest()
        self.signature(sha256, signers)
        return sha256

    def manifest(self) -> bytes:
        """The manifest, not looked into.

        Raises:
            ManifestError: It is too large.
            DeliveryError: It does not exist or cannot be reached.
        """
        size = self.retrier.retry(lambda: self.size(MANIFEST_NAME))
        if size > MAX_MANIFEST_BYTES:
            raise ManifestError(
                f"{self.uri}/{MANIFEST_NAME} has {size} bytes; a manifest has at most "
                f"{MAX_MANIFEST_BYTES}.",
                remedy=AGAIN,
            )
        return self.retrier.retry(lambda: self._whole(MANIFEST_NAME, size))

    def signature(self, manifest_sha256: str, signers: Sequence[str]) -> bytes | None:
        """The signature of the manifest; None if it is unsigned and no signers are given.

        Args:
            manifest_sha256: The SHA-256 of the manifest.
            signers: Public keys, of which one must have signed. Without any, only what takes no
                key is checked.

        Raises:
            SealedModelError: It is not accepted.
            DeliveryError: It cannot be reached.
        """
        where = f"{self.uri}/{SIGNATURE_NAME}"
        size = self.retrier.retry(lambda: self._remote.size(SIGNATURE_NAME))
        if size is not None and size > MAX_SIGNATURE_BYTES:
            raise BadSignatureError(
                f"{where} has {size} bytes; a signature has at most {MAX_SIGNATURE_BYTES}.",
                remedy=AGAIN,
            )
        raw = None
        if size is not None:
            raw = self.retrier.retry(lambda: self._whole(SIGNATURE_NAME, size))
        if signers:
            verify_signature(raw, signers, where=where, manifest_sha256=manifest_sha256)
        elif raw is not None:
            parse_signature(raw, where=where, manifest_sha256=manifest_sha256)
        return raw

    def size(self, name: str) -> int:
        """The size of a file in bytes.

        Raises:
            DeliveryError: It does not exist.
        """
        size = self._remote.size(name)
        if size is None:
            raise DeliveryError(
                f"{self.uri}/{name} does not exist.",
                remedy="Give the folder that `modelseal push` printed.",
            )
        return size

    def read(self, name: str, *, start: int, size: int) -> bytes:
        """The next piece of a file, never empty.

        Args:
            name: The file.
            start: Where the piece begins.
            size: The size of the whole file.

        Raises:
            UnreachableError: Nothing comes.
        """
        length = min(CHUNK_BYTES, size - start)
        contents = self._remote.read(name, start=start, length=length)
        if not contents:
            raise UnreachableError(
                f"{self.uri}/{name}: no bytes came where {length} were asked for.",
                remedy="Try again when the bucket answers.",
            )
        return contents

    def _whole(self, name: str, size: int) -> bytes:
        contents = b""
        while len(contents) < size:
            contents += self.read(name, start=len(contents), size=size)
        return contents
