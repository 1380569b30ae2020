"""Fetch a sealed model: verify it before it becomes visible, and resume interrupted downloads."""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from modelseal.delivery.bucket_folder import BucketFolder
from modelseal.delivery.remote_manifest import (
    PUSH_AGAIN,
    download_manifest,
    download_signature,
)
from modelseal.delivery.retrying import STALL_TIMEOUT_S
from modelseal.delivery.staging import Staging
from modelseal.errors import DeliveryError, FileDigestError, ManifestDigestError, SealedModelError
from modelseal.manifest import MANIFEST_NAME, FileRecord, Manifest, read_manifest
from modelseal.model_files import holds_only_a_model, replace_file, write_durably
from modelseal.path_kinds import follow, kind_of, make_folder
from modelseal.public_keys import parse_public_key
from modelseal.signature import SIGNATURE_NAME

__all__ = ["MAX_MODEL_BYTES", "fetch"]

MAX_MODEL_BYTES = 4 * 2**30
_BLOCK_BYTES = 2**20


def fetch(
    uri: str,
    destination: Path,
    *,
    sha256: str | None = None,
    signers: Sequence[str] = (),
    stall_timeout_s: float = STALL_TIMEOUT_S,
    max_bytes: int = MAX_MODEL_BYTES,
    report: Callable[[str], None] = lambda _line: None,
) -> Manifest:
    """Fetch a sealed model from a bucket into a folder.

    The manifest is fetched first. It must have the given digest, and the signature of one of the
    given signers. Then each file is fetched in chunks into a hidden folder next to the
    destination, where a later attempt resumes. When every file has its digest, the folder replaces
    the destination. If the destination is the wanted model and is intact, nothing is fetched.

    Args:
        uri: Folder of the model, see `modelseal.delivery.bucket_folder`.
        destination: The folder to write, or a link to it. Only a sealed model is replaced.
        sha256: SHA-256 of the manifest; None to accept any model of the signers.
        signers: Public keys, ``ed25519:BASE64``. One of them must have signed the model.
        stall_timeout_s: Longest time without progress, in seconds.
        max_bytes: Largest total size of the model's files, in bytes.
        report: Called with one line of text for each step.

    Returns:
        The manifest.

    Raises:
        SealedModelError: The model in the bucket is not the wanted one.
        DeliveryError: The model cannot be read or written. The destination is unchanged.
        PublicKeyError: A signer's key is not a public key.
    """
    if sha256 is None and not signers:
        raise DeliveryError(
            "Nothing says which model to accept.",
            remedy="Give the SHA-256 that `modelseal push` printed, or the public key of a signer.",
        )
    for signer in signers:
        parse_public_key(signer)
    expected = _digest(sha256) if sha256 is not None else None

    def folder() -> BucketFolder:
        # A model that is there already needs no bucket, not even a valid address.
        return BucketFolder(uri, stall_timeout_s=stall_timeout_s, report=report)

    try:
        target = follow(destination)
        if expected is None:
            expected = hashlib.sha256(download_manifest(folder())).hexdigest()
            download_signature(folder(), expected, signers)  # refuses a manifest that is not signed
        if _is_intact(target, expected):
            report(f"{destination} already holds this model.")
            try:
                return read_manifest(target, expected_sha256=expected, signers=signers)[0]
            except SealedModelError:
                if not signers:
                    raise
            # Only the signature was refused.
            report(f"Fetching the signature of {destination}.")
            signature = download_signature(folder(), expected, signers)
            assert signature is not None  # noqa: S101 - with signers, it is required
            replace_file(target, SIGNATURE_NAME, signature)
            return read_manifest(target, expected_sha256=expected, signers=signers)[0]
        make_folder(target.parent)
        staging = Staging(target, expected)
        with staging.locked():
            return _Download(folder(), staging, max_bytes, report).run(expected, signers)
    except OSError as error:
        raise DeliveryError(
            f"{destination} cannot be written: {error.strerror or error}.",
            remedy="Make room, or give a folder that this user may write to.",
        ) from error


class _Download:
    def __init__(
        self,
        folder: BucketFolder,
        staging: Staging,
        max_bytes: int,
        report: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._staging = staging
        self._max_bytes = max_bytes
        self._report = report

    def run(self, expected: str, signers: Sequence[str]) -> Manifest:
        try:
            manifest = self._manifest(expected, signers)
            self._check_size(manifest)
            for name, record in manifest.files.items():
                self._file(name, record)
            self._staging.publish()
        except (OSError, SealedModelError):
            # Frees a full disk, and does not resume a model that was refused.
            self._staging.discard()
            raise
        return manifest

    def _manifest(self, expected: str, signers: Sequence[str]) -> Manifest:
        contents = download_manifest(self._folder)
        found = hashlib.sha256(contents).hexdigest()
        if found != expected:
            raise ManifestDigestError(
                f"{self._folder.uri}/{MANIFEST_NAME} has the SHA-256 {found}, but {expected} was "
                "asked for.",
                remedy="Deploy the folder and the digest that `modelseal push` printed together.",
            )
        signature = download_signature(self._folder, expected, signers)
        # The manifest is parsed only now, after both checks.
        model = self._staging.model
        write_durably(model / MANIFEST_NAME, contents)
        if signature is None:
            (model / SIGNATURE_NAME).unlink(missing_ok=True)  # of an earlier attempt
        else:
            write_durably(model / SIGNATURE_NAME, signature)
        return read_manifest(model, expected_sha256=expected, signers=signers)[0]

    def _check_size(self, manifest: Manifest) -> None:
        size = sum(record.size for record in manifest.files.values())
        needed = size - self._staging.fetched_bytes(manifest.files)
        free = self._staging.free_bytes()
        if size > self._max_bytes:
            error = DeliveryError(
                f"The model in {self._folder.uri} has {size} bytes; at most {self._max_bytes} are "
                "fetched.",
                remedy="Give a larger --max-bytes if it is the right model.",
            )
        elif needed > free:
            error = DeliveryError(
                f"There is no room for the model: {needed} more bytes are needed, and {free} are "
                "free.",
                remedy="Give the volume the size of the model and 10% more.",
            )
        else:
            return
        self._staging.discard()
        raise error

    def _file(self, name: str, record: FileRecord) -> None:
        done, part = self._staging.model / name, self._staging.parts / name
        if done.exists() and _sha256(done) == record.sha256:
            return
        resumed = part.stat().st_size if part.exists() else 0
        start = f", starting at byte {resumed}" if resumed else ""
        self._report(f"Fetching {name}, {record.size} bytes{start}.")
        self._append(name, record.size, part)
        if resumed and _sha256(part) != record.sha256:
            # The resumed part may be damaged, as after a loss of power.
            part.unlink()
            self._append(name, record.size, part)
        if (found := _sha256(part)) != record.sha256:
            raise FileDigestError(
                f"{self._folder.uri}/{name} has the SHA-256 {found}, but {record.sha256} was "
                "sealed.",
                remedy=PUSH_AGAIN,
            )
        part.rename(done)

    def _append(self, name: str, size: int, part: Path) -> None:
        """Append the missing bytes to a part of a file."""
        found = self._folder.size(name)
        if found != size:
            raise FileDigestError(
                f"{self._folder.uri}/{name} has {found} bytes, but {size} were sealed.",
                remedy=PUSH_AGAIN,
            )
        with part.open("ab") as file:
            for chunk in self._folder.chunks(name, start=file.tell(), size=size):
                file.write(chunk)
                file.flush()
            os.fsync(file.fileno())


def _digest(sha256: str) -> str:
    digest = sha256.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise DeliveryError(
            f"{sha256!r} is not a SHA-256.",
            remedy="Give the 64 digits that `modelseal push` printed.",
        )
    return digest


def _is_intact(folder: Path, expected: str) -> bool:
    """Whether a folder holds the expected model, and all of its files are intact.

    Raises:
        DeliveryError: The folder is not a sealed model, and must not be replaced.
    """
    if kind_of(folder) is None:
        return False
    if not holds_only_a_model(folder):
        raise DeliveryError(
            f"{folder} exists and is not a sealed model, or holds other files, too.",
            remedy="Give a folder that does not exist, or a sealed model to replace.",
        )
    manifest, sha256 = read_manifest(folder)
    return sha256 == expected and all(
        (path := folder / name).is_file() and _sha256(path) == record.sha256
        for name, record in manifest.files.items()
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
