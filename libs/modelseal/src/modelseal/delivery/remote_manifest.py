"""Reads the manifest of a model in a bucket, and its signature, before any file of the model."""

from collections.abc import Sequence

from modelseal.delivery.bucket_folder import BucketFolder, MissingFileError
from modelseal.errors import BadSignatureError, ManifestError, SealedModelError
from modelseal.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES
from modelseal.signature import (
    MAX_SIGNATURE_BYTES,
    SIGNATURE_NAME,
    parse_signature,
    verify_signature,
)

__all__ = ["PUSH_AGAIN", "download_manifest", "download_signature"]

PUSH_AGAIN = "Push the model again, to a folder of its own, and deploy that."


def download_manifest(folder: BucketFolder) -> bytes:
    """The bytes of the manifest, which are not verified.

    Raises:
        ManifestError: The manifest is too large.
        DeliveryError: The manifest is missing, or the bucket does not answer.
    """
    return _download(folder, MANIFEST_NAME, MAX_MANIFEST_BYTES, ManifestError)


def download_signature(
    folder: BucketFolder, manifest_sha256: str, signers: Sequence[str]
) -> bytes | None:
    """The bytes of the verified signature; None if there is no signature and no signers are given.

    Args:
        folder: The folder in the bucket.
        manifest_sha256: SHA-256 of the manifest.
        signers: Public keys. One of them must have signed. If empty, only the checks without a key
            are made.

    Raises:
        SealedModelError: The signature is missing or not accepted.
        DeliveryError: The bucket does not answer.
    """
    where = f"{folder.uri}/{SIGNATURE_NAME}"
    try:
        raw = _download(folder, SIGNATURE_NAME, MAX_SIGNATURE_BYTES, BadSignatureError)
    except MissingFileError:
        raw = None
    if signers:
        verify_signature(raw, signers, where=where, manifest_sha256=manifest_sha256)
    elif raw is not None:
        parse_signature(raw, where=where, manifest_sha256=manifest_sha256)
    return raw


def _download(folder: BucketFolder, name: str, limit: int, error: type[SealedModelError]) -> bytes:
    size = folder.size(name)
    if size > limit:
        raise error(
            f"{folder.uri}/{name} has {size} bytes; at most {limit} are allowed.",
            remedy=PUSH_AGAIN,
        )
    return b"".join(folder.chunks(name, size=size))
