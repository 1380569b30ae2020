"""Push a sealed model to a bucket: files, signature, manifest, and nothing overwritten."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from modelseal.delivery.remote import MAX_PUT_BYTES, RemoteFolder
from modelseal.delivery.retrying import PATIENCE_S, Retrier
from modelseal.delivery.source import CHUNK_BYTES
from modelseal.errors import DeliveryError
from modelseal.manifest import MANIFEST_NAME, read_manifest
from modelseal.model_files import read_file
from modelseal.signature import SIGNATURE_NAME, parse_signature, read_signature

__all__ = ["push"]

# A file goes in one request, which may take its time.
TIMEOUT_S = 900


def push(
    model: Path,
    uri: str,
    *,
    patience_s: float = PATIENCE_S,
    say: Callable[[str], None] = lambda _line: None,
) -> str:
    """Push a sealed model into a folder of a bucket.

    Each file is created only where there is none of its name, so that two pushes to one folder
    cannot mix; a file that is there already must be the same. Where the manifest is, the model is
    complete. A push that was interrupted is finished by the next. A signature goes with the model;
    it may be pushed later, but is not replaced by another.

    Args:
        model: The folder of the sealed model.
        uri: The folder to push to, one for each model.
        patience_s: How many seconds without progress are waited for a bucket that does not answer.
        say: Takes lines for people.

    Returns:
        The SHA-256 of the manifest, which `modelseal.delivery.fetch` asks for.

    Raises:
        SealedModelError: The folder is no sealed model, or is damaged, or its signature is that of
            another model.
        DeliveryError: The bucket cannot be reached, or another model lies there.
    """
    manifest, sha256 = read_manifest(model)
    for name, record in manifest.files.items():
        if record.size > MAX_PUT_BYTES:
            raise DeliveryError(
                f"{name} has {record.size} bytes; one request carries {MAX_PUT_BYTES}.",
                remedy="Seal the model in smaller files.",
            )
        read_file(model / name, record)  # all are looked at before the first is sent
    signature = read_signature(model)
    if signature is not None:
        parse_signature(signature, where=str(model / SIGNATURE_NAME), manifest_sha256=sha256)
    folder = RemoteFolder(uri, timeout_s=TIMEOUT_S, make=True)
    remote = _Destination(folder, Retrier(patience_s, say))
    remote.check_other(MANIFEST_NAME, sha256)
    if signature is not None:
        remote.check_other(SIGNATURE_NAME, hashlib.sha256(signature).hexdigest())
    for name, record in manifest.files.items():
        say(f"Pushing {name}, {record.size} bytes.")
        remote.put(name, read_file(model / name, record))
    if signature is not None:
        say(f"Pushing {SIGNATURE_NAME}, {len(signature)} bytes.")
        remote.put(SIGNATURE_NAME, signature)
    remote.put(MANIFEST_NAME, (model / MANIFEST_NAME).read_bytes())
    return sha256


class _Destination:
    def __init__(self, remote: RemoteFolder, retrier: Retrier) -> None:
        self._remote = remote
        self._retrier = retrier

    def check_other(self, name: str, sha256: str) -> None:
        """See before anything is sent whether another file of a name lies there."""
        if self._digest(name) not in (None, sha256):
            raise self._taken(name)

    def put(self, name: str, contents: bytes) -> None:
        # Where an answer was lost, the next try finds the file there: the same one.
        created = self._retrier.retry(lambda: self._remote.create(name, contents))
        if not created and self._digest(name) != hashlib.sha256(contents).hexdigest():
            raise self._taken(name)

    def _digest(self, name: str) -> str | None:
        return self._retrier.retry(lambda: self._read_digest(name))

    def _read_digest(self, name: str) -> str | None:
        size = self._remote.size(name)
        if size is None:
            return None
        digest, start = hashlib.sha256(), 0
        while start < size:
            piece = self._remote.read(name, start=start, length=min(CHUNK_BYTES, size - start))
            if not piece:
                break
            digest.update(piece)
            start += len(piece)
            self._retrier.progressed()
        return digest.hexdigest()

    def _taken(self, name: str) -> DeliveryError:
        if name == SIGNATURE_NAME:
            return DeliveryError(
                f"{self._remote.uri}/{name} is another signature. Nothing is overwritten.",
                remedy="Push the model that was signed again to a folder of its own.",
            )
        return DeliveryError(
            f"{self._remote.uri}/{name} belongs to another model.",
            remedy="Push to a folder of its own, such as one named after the digest.",
        )
