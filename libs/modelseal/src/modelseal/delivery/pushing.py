"""Push a sealed model to a bucket: files, signature, manifest. Nothing is overwritten."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from modelseal.delivery.bucket_folder import MAX_PUT_BYTES, BucketFolder, MissingFileError
from modelseal.delivery.retrying import STALL_TIMEOUT_S
from modelseal.errors import DeliveryError
from modelseal.manifest import MANIFEST_NAME, read_manifest
from modelseal.model_files import read_file
from modelseal.signature import SIGNATURE_NAME, parse_signature, read_signature

__all__ = ["push"]

# A file is uploaded in one request, which may take long.
REQUEST_TIMEOUT_S = 900


def push(
    model: Path,
    uri: str,
    *,
    stall_timeout_s: float = STALL_TIMEOUT_S,
    report: Callable[[str], None] = lambda _line: None,
) -> str:
    """Push a sealed model into a folder of a bucket.

    A file is created only if none has its name, so that two pushes into one folder cannot mix. A
    file that exists already must be the same. The manifest is last: if it is there, the model is
    complete. Pushing again finishes an interrupted push. A signature may be added later, but never
    replaces another.

    Args:
        model: Folder of the sealed model.
        uri: Folder in the bucket. Each model needs its own.
        stall_timeout_s: Longest time without progress, in seconds.
        report: Called with one line of text for each step.

    Returns:
        The SHA-256 of the manifest, which `modelseal.delivery.fetching.fetch` takes.

    Raises:
        SealedModelError: The folder is not a sealed model, or is damaged, or its signature belongs
            to another model.
        DeliveryError: The bucket does not answer, refuses access, or holds another model there.
    """
    manifest, sha256 = read_manifest(model)
    for name, record in manifest.files.items():
        if record.size > MAX_PUT_BYTES:
            raise DeliveryError(
                f"{name} has {record.size} bytes; one request uploads at most {MAX_PUT_BYTES}.",
                remedy="Seal the model in smaller files.",
            )
        read_file(model / name, record)  # verifies every file before the first upload
    signature = read_signature(model)
    if signature is not None:
        parse_signature(signature, where=str(model / SIGNATURE_NAME), manifest_sha256=sha256)
    folder = BucketFolder(
        uri,
        stall_timeout_s=stall_timeout_s,
        report=report,
        request_timeout_s=REQUEST_TIMEOUT_S,
        create=True,
    )
    if _digest(folder, MANIFEST_NAME) not in (None, sha256):
        raise _conflict(folder, MANIFEST_NAME)
    if signature is not None and _digest(folder, SIGNATURE_NAME) not in (
        None,
        hashlib.sha256(signature).hexdigest(),
    ):
        raise _conflict(folder, SIGNATURE_NAME)
    for name, record in manifest.files.items():
        report(f"Pushing {name}, {record.size} bytes.")
        _upload(folder, name, read_file(model / name, record))
    if signature is not None:
        report(f"Pushing {SIGNATURE_NAME}, {len(signature)} bytes.")
        _upload(folder, SIGNATURE_NAME, signature)
    _upload(folder, MANIFEST_NAME, (model / MANIFEST_NAME).read_bytes())
    return sha256


def _upload(folder: BucketFolder, name: str, contents: bytes) -> None:
    # If the answer to an upload is lost, the retry finds the same file there.
    created = folder.create(name, contents)
    if not created and _digest(folder, name) != hashlib.sha256(contents).hexdigest():
        raise _conflict(folder, name)


def _digest(folder: BucketFolder, name: str) -> str | None:
    try:
        size = folder.size(name)
    except MissingFileError:
        return None
    digest = hashlib.sha256()
    for chunk in folder.chunks(name, size=size):
        digest.update(chunk)
    return digest.hexdigest()


def _conflict(folder: BucketFolder, name: str) -> DeliveryError:
    if name == SIGNATURE_NAME:
        return DeliveryError(
            f"{folder.uri}/{name} is another signature. Nothing is overwritten.",
            remedy="Push the model that was signed again to a folder of its own.",
        )
    return DeliveryError(
        f"{folder.uri}/{name} belongs to another model.",
        remedy="Push to a folder of its own, such as one named after the digest.",
    )
