"""The manifest of a sealed model, format 1: its files, its environment, its golden predictions.

``manifest.json`` is in the folder of the model's files. Its field ``seal`` is the SHA-256 of the
manifest's own bytes with the 64 digits of the seal replaced by zeros, so that damage is found even
if the deployment does not say which manifest it expects. Only an expected digest (``MODEL_SHA256``)
or a signer's public key (``MODEL_SIGNERS``), given from outside, protects against deliberate
changes.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from packaging.version import Version
from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
)

from modelseal.bounded_read import read_regular
from modelseal.errors import BadSignatureError, ManifestDigestError, ManifestError
from modelseal.golden import FiniteFloat, GoldenSet
from modelseal.records import Name, Record, Sha256, first_error
from modelseal.signature import SIGNATURE_NAME, read_signature, verify_signature

__all__ = [
    "MANIFEST_NAME",
    "MAX_MANIFEST_BYTES",
    "RESTORE",
    "DistributionRecord",
    "FileName",
    "FileRecord",
    "Manifest",
    "encode_manifest",
    "manifest_digest",
    "read_manifest",
]

FORMAT = 1
MANIFEST_NAME = "manifest.json"
MAX_MANIFEST_BYTES = 64 * 2**20
MAX_FILE_BYTES = 64 * 2**30

RESTORE = "Fetch the model again from where it was published, or train and seal it again."

_NO_SEAL = "0" * 64

DistributionName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]


def _plain_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}", name) or name == MANIFEST_NAME:
        raise ValueError(
            f"{name!r} is not a valid name for a file of a model: use letters, digits, '.', '_' "
            f"and '-', begin with a letter or digit, and do not use {MANIFEST_NAME}"
        )
    return name


FileName = Annotated[str, AfterValidator(_plain_name)]


def _valid_version(version: str) -> str:
    Version(version)  # raises InvalidVersion, a ValueError
    return version


class FileRecord(Record):
    """SHA-256 and size in bytes of one file of the model."""

    sha256: Sha256
    size: int = Field(ge=0, le=MAX_FILE_BYTES)


class DistributionRecord(Record):
    """A distribution that was installed when the model was sealed.

    Attributes:
        version: Version in its metadata.
        guarded: Whether predicting the golden inputs loads one of its modules.
    """

    version: Annotated[str, AfterValidator(_valid_version)]
    guarded: bool


class Manifest(Record):
    """The contents of ``manifest.json``.

    Attributes:
        format: Version of the document's format.
        seal: SHA-256 of the document with the digits of this field replaced by zeros.
        name: Name of the model, usually that of its service.
        version: Version of the model, chosen by its trainer.
        created: Time of sealing in UTC.
        git_commit: Commit of the training code, with ``-dirty`` for uncommitted changes; None
            outside a repository.
        python: Full version of the interpreter that sealed the model.
        platform: Platform on which the model was sealed. It is not checked.
        loader: Name of the service's loader in the entry point group ``modelseal.loaders``.
        files: The model's files by name.
        environment: Every installed distribution by its normalized name.
        golden: Golden inputs with their outputs and tolerances.
        data: Description of the training data, with a fingerprint.
        metrics: Quality of the model, one number for each metric.
        parameters: Training parameters.
    """

    format: Literal[1]
    seal: Sha256
    name: Name
    version: Name
    created: AwareDatetime
    git_commit: str | None
    python: str
    platform: str
    loader: str
    files: dict[FileName, FileRecord] = Field(min_length=1)
    environment: dict[DistributionName, DistributionRecord]
    golden: GoldenSet
    data: dict[str, JsonValue]
    metrics: dict[str, FiniteFloat]
    parameters: dict[str, JsonValue]

    @property
    def guarded(self) -> dict[str, str]:
        """The guarded distributions by name, with the versions that sealed the model."""
        return {name: record.version for name, record in self.environment.items() if record.guarded}

    @classmethod
    def unsealed(cls, *, created: datetime, **fields: object) -> "Manifest":
        """Make a manifest whose seal is zeros. `encode_manifest` fills it in."""
        return cls.model_validate(
            {"format": FORMAT, "seal": _NO_SEAL, "created": created, **fields}
        )


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes of ``manifest.json``, with the seal filled in.

    Floats are written so that reading them gives the same 64 bits.

    Raises:
        ValueError: JSON cannot represent a number, or UTF-8 cannot represent a text.
    """
    document = manifest.model_dump(mode="json") | {"seal": _NO_SEAL}
    _check_utf8(document)
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    seal = hashlib.sha256(text.encode()).hexdigest()
    return text.replace(_NO_SEAL, seal, 1).encode()


def manifest_digest(manifest: Manifest) -> str:
    """The SHA-256 of ``manifest.json``, computed without reading the file.

    Args:
        manifest: The manifest that `modelseal.seal` returned.
    """
    return hashlib.sha256(encode_manifest(manifest)).hexdigest()


def read_manifest(
    directory: Path, *, expected_sha256: str | None = None, signers: Sequence[str] = ()
) -> tuple[Manifest, str]:
    """Read and verify the manifest of a sealed model, and its signature if signers are given.

    The signature is verified before the manifest is parsed. The model's files are not read.

    Args:
        directory: Folder of the model.
        expected_sha256: SHA-256 that the manifest must have, in hexadecimal.
        signers: Public keys, ``ed25519:BASE64``. One of them must have signed the manifest. If
            empty, no signature is required.

    Returns:
        The manifest and its SHA-256.

    Raises:
        ManifestError: The manifest is missing, too large, not valid, or has an unknown format.
        ManifestDigestError: The manifest is not the expected one, or changed after sealing.
        UnsignedError: A signature is required, and there is none.
        UnknownSignerError: The signature was made with another key.
        BadSignatureError: The signature is damaged, or belongs to another model.
        SignatureExpiredError: The signature has expired.
        PublicKeyError: A signer's key is not a public key.
    """
    path = directory / MANIFEST_NAME
    raw = _read_bounded(path)
    digest = hashlib.sha256(raw).hexdigest()
    signature = None
    if signers:
        where = directory / SIGNATURE_NAME
        signature = verify_signature(
            read_signature(directory), signers, where=str(where), manifest_sha256=digest
        )
    manifest = _parse(path, raw)
    zeroed = raw.replace(manifest.seal.encode(), _NO_SEAL.encode(), 1)
    if hashlib.sha256(zeroed).hexdigest() != manifest.seal:
        raise ManifestDigestError(
            f"{path} changed after it was sealed: its contents do not have the digest in its "
            "field 'seal'.",
            remedy=RESTORE,
        )
    if expected_sha256 is not None and digest != expected_sha256.strip().lower():
        raise ManifestDigestError(
            f"{path} has the SHA-256 {digest}, but the deployment expects {expected_sha256}.",
            remedy="Deploy the expected model. If this model is the right one, set MODEL_SHA256 "
            "to its digest.",
        )
    if signature is not None:
        signed, found = (signature.name, signature.version), (manifest.name, manifest.version)
        if signed != found:
            raise BadSignatureError(
                f"{directory / SIGNATURE_NAME} calls the model {signed}; the manifest calls it "
                f"{found}.",
                remedy="Sign the model again with `modelseal sign`.",
            )
    return manifest, digest


def _read_bounded(path: Path) -> bytes:
    try:
        raw = read_regular(path, MAX_MANIFEST_BYTES)
    except FileNotFoundError as error:
        raise ManifestError(
            f"There is no sealed model at {path.parent}: {MANIFEST_NAME} does not exist.",
            remedy="Give the folder that training wrote, or train a model first.",
        ) from error
    except OSError as error:
        raise ManifestError(
            f"{path} cannot be read: {error.strerror}.", remedy="Make it readable to this user."
        ) from error
    if len(raw) > MAX_MANIFEST_BYTES:
        raise ManifestError(
            f"{path} is larger than {MAX_MANIFEST_BYTES} bytes.", remedy="Use fewer golden inputs."
        )
    return raw


def _parse(path: Path, raw: bytes) -> Manifest:
    try:
        document = json.loads(raw)
        if b"\\u" in raw:  # only an escape can be an unpaired surrogate
            _check_utf8(document)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path} is not valid JSON: {error}.", remedy=RESTORE) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        raise ManifestError(
            f"{path} has the format {found!r}; this modelseal reads format {FORMAT}.",
            remedy="Use the modelseal that the model's service pins, or seal the model again.",
        )
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        raise ManifestError(
            f"{path} is not a manifest: {first_error(error)}.", remedy=RESTORE
        ) from error


def _check_utf8(document: object) -> None:
    """Raise UnicodeEncodeError if a text has an unpaired surrogate, which UTF-8 lacks."""
    json.dumps(document, ensure_ascii=False).encode()
