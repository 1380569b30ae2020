"""Fetch a sealed model: verified before it is visible, and never twice what is there already."""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from modelseal.delivery.remote import RemoteFolder
from modelseal.delivery.retrying import PATIENCE_S, Retrier
from modelseal.delivery.source import AGAIN, Source
from modelseal.delivery.staging import Staging
from modelseal.errors import (
    DeliveryError,
    FileDigestError,
    ManifestDigestError,
    SealedModelError,
)
from modelseal.folders import holds_only_a_model, replace_file, write_durably
from modelseal.manifest import MANIFEST_NAME, FileRecord, Manifest, read_manifest
from modelseal.paths import follow, kind_of, make_folder
from modelseal.public_keys import parse_public_key
from modelseal.signature import SIGNATURE_NAME

__all__ = ["MAX_MODEL_BYTES", "fetch"]

MAX_MODEL_BYTES = 4 * 2**30


def fetch(
    uri: str,
    destination: Path,
    *,
    sha256: str | None = None,
    signers: Sequence[str] = (),
    patience_s: float = PATIENCE_S,
    max_bytes: int = MAX_MODEL_BYTES,
    say: Callable[[str], None] = lambda _line: None,
) -> Manifest:
    """Fetch a sealed model from a bucket into a folder.

    The manifest comes first, and is used only if it has the digest that was asked for, or one of
    the signers signed it; both where both are given. Then each file that it lists comes in pieces,
    into a hidden folder beside the destination, where a later try goes on; and when every file has
    its digest, the folder is renamed into its place, with the signature if there is one.

    Args:
        uri: The folder of the model, see `modelseal.delivery.remote`.
        destination: The folder to write, or a link to it. A sealed model that is there is
            replaced; where it is the one that is asked for and is intact, nothing is done.
        sha256: The SHA-256 of the model's manifest; None to accept what one of the signers signed.
        signers: Public keys, ``ed25519:BASE64``, of which one must have signed the model.
        patience_s: How many seconds without progress are waited for a bucket that does not answer.
        max_bytes: The most bytes that the files may have together, by the manifest.
        say: Takes lines for people.

    Returns:
        The manifest.

    Raises:
        SealedModelError: What lies there is not the model that was asked for.
        DeliveryError: It cannot be reached or written. What was there before is as it was.
        PublicKeyError: A signer's key is no public key.
    """
    if sha256 is None and not signers:
        raise DeliveryError(
            "Nothing says which model to accept.",
            remedy="Give the SHA-256 that `modelseal push` printed, or the key of its signer.",
        )
    for signer in signers:
        parse_public_key(signer)
    expected = _digest(sha256) if sha256 is not None else None

    def source() -> Source:
        # Not opened where the model is there already: then nothing is asked of the bucket.
        return Source(RemoteFolder(uri), Retrier(patience_s, say))

    try:
        place = follow(destination)
        if expected is None:
            # Only the digest counts here: with the rest, both are fetched and verified again.
            expected = source().signed_digest(signers)
        if _is_there(place, expected):
            if signers and not _is_signed(place, expected, signers):
                say(f"{destination} holds this model already. Fetching its signature.")
                _renew(source(), place, expected, signers)
            else:
                say(f"{destination} holds this model already.")
            return read_manifest(place, expected_sha256=expected, signers=signers)[0]
        make_folder(place.parent)
        staging = Staging(place, expected)
        with staging.held():
            return _Fetch(source(), staging, max_bytes, say).run(expected, signers)
    except OSError as error:
        raise DeliveryError(
            f"{destination} cannot be written: {error.strerror or error}.",
            remedy="Make room, or give a folder that this user may write to.",
        ) from error


class _Fetch:
    def __init__(
        self, source: Source, staging: Staging, max_bytes: int, say: Callable[[str], None]
    ) -> None:
        self._source = source
        self._staging = staging
        self._max_bytes = max_bytes
        self._say = say

    def run(self, expected: str, signers: Sequence[str]) -> Manifest:
        try:
            manifest = self._manifest(expected, signers)
            self._check_size(manifest)
            self._check_room(manifest)
            for name, record in manifest.files.items():
                self._file(name, record)
            self._staging.publish()
        except (OSError, SealedModelError):
            # A disk that is full should not stay so, and what was refused is of no use.
            self._staging.discard()
            raise
        return manifest

    def _manifest(self, expected: str, signers: Sequence[str]) -> Manifest:
        contents = self._source.manifest()
        found = hashlib.sha256(contents).hexdigest()
        if found != expected:
            raise ManifestDigestError(
                f"{self._source.uri}/{MANIFEST_NAME} has the SHA-256 {found}, but {expected} was "
                "asked for.",
                remedy="Deploy the folder and the digest that `modelseal push` printed together.",
            )
        signature = self._source.signature(expected, signers)
        # Only now is it looked into.
        model = self._staging.model
        write_durably(model / MANIFEST_NAME, contents)
        if signature is None:
            (model / SIGNATURE_NAME).unlink(missing_ok=True)  # one that an earlier try found
        else:
            write_durably(model / SIGNATURE_NAME, signature)
        return read_manifest(model, expected_sha256=expected, signers=signers)[0]

    def _check_size(self, manifest: Manifest) -> None:
        size = sum(record.size for record in manifest.files.values())
        if size > self._max_bytes:
            self._staging.discard()
            raise DeliveryError(
                f"The model in {self._source.uri} has {size} bytes; at most {self._max_bytes} are "
                "fetched.",
                remedy="Give a larger --max-bytes if it is the model that is meant.",
            )

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
        self._source.retrier.retry(lambda: self._pieces(name, record.size, part))
        if _sha256(part) != record.sha256 and resumed:
            # What an earlier try left may be what is wrong, as after a loss of power.
            part.unlink()
            self._source.retrier.retry(lambda: self._pieces(name, record.size, part))
        if (found := _sha256(part)) != record.sha256:
            raise FileDigestError(
                f"{self._source.uri}/{name} has the SHA-256 {found}, but {record.sha256} was "
                "sealed.",
                remedy=AGAIN,
            )
        part.rename(done)

    def _pieces(self, name: str, size: int, part: Path) -> None:
        """Append to a part what it lacks."""
        found = self._source.size(name)
        if found != size:
            raise FileDigestError(
                f"{self._source.uri}/{name} has {found} bytes, but {size} were sealed.",
                remedy=AGAIN,
            )
        with part.open("ab") as file:
            while (start := file.tell()) < size:
                file.write(self._source.read(name, start=start, size=size))
                file.flush()
                self._source.retrier.progressed()
            os.fsync(file.fileno())


def _renew(source: Source, destination: Path, expected: str, signers: Sequence[str]) -> None:
    """Give a model that is there and intact the signature that lies in the bucket."""
    signature = source.signature(expected, signers)
    # With signers, a missing one was refused.
    assert signature is not None  # noqa: S101
    replace_file(destination, SIGNATURE_NAME, signature)


def _is_signed(destination: Path, expected: str, signers: Sequence[str]) -> bool:
    try:
        read_manifest(destination, expected_sha256=expected, signers=signers)
    except SealedModelError:
        return False
    return True


def _digest(sha256: str) -> str:
    digest = sha256.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise DeliveryError(
            f"{sha256!r} is no SHA-256.", remedy="Give the 64 digits that `modelseal push` printed."
        )
    return digest


def _is_there(destination: Path, expected: str) -> bool:
    """Whether the model is there and intact.

    Raises:
        DeliveryError: Something that is no sealed model is there, and must not be replaced.
    """
    if kind_of(destination) is None:
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
