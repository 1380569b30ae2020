"""The manifest of a sealed model: what it is, what wrote it, and what it answered (format 1).

``manifest.json`` stands beside the files of the model. Its field ``seal`` is the SHA-256 of the
manifest's own bytes with the 64 digits of the seal replaced by zeros, so that damage is seen
even where the deployment does not say which manifest it expects. Only an expected digest
(``MODEL_SHA256``) or a signer's public key (``MODEL_SIGNERS``), given from outside, protects
against deliberate changes.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from packaging.version import Version
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
)

from modelseal.errors import (
    BadSignatureError,
    ManifestDigestError,
    ManifestError,
)
from modelseal.golden import FiniteFloat, GoldenSet
from modelseal.regular_files import read_regular
from modelseal.signature import SIGNATURE_NAME, read_signature, verify_signature

__all__ = [
    "FORMAT",
    "MANIFEST_NAME",
    "MAX_MANIFEST_BYTES",
    "RESEAL",
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

_NO_SEAL = "0" * 64
RESEAL = "Fetch the model again from where it was published, or train and seal it anew."

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

DistributionName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]


def _plain_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}", name) or name == MANIFEST_NAME:
        raise ValueError(
            f"{name!r} is no name for a file of a model: letters, digits, '.', '_' and '-', "
            f"beginning with a letter or digit, and not {MANIFEST_NAME}"
        )
    return name


FileName = Annotated[str, AfterValidator(_plain_name)]


def _valid_version(version: str) -> str:
    Version(version)  # raises InvalidVersion, a ValueError
    return version


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileRecord(_Record):
    """One file of the model: its SHA-256 and its size in bytes."""

    sha256: Digest
    size: int = Field(ge=0, le=MAX_FILE_BYTES)


class DistributionRecord(_Record):
    """One distribution that was installed where the model was sealed.

    Attributes:
        version: Its version, as its metadata states it.
        guarded: Whether predicting the golden inputs loads a module of it.
    """

    version: Annotated[str, AfterValidator(_valid_version)]
    guarded: bool


class Manifest(_Record):
    """What a sealed model says of itself.

    Attributes:
        format: The version of this document's form.
        seal: SHA-256 of the document with this field's digits as zeros.
        name: The model's name, usually its service's.
        version: The model's version, chosen by who trained it.
        created: When it was sealed, in UTC.
        git_commit: The commit that trained it, with ``-dirty`` for uncommitted changes; None
            outside a repository.
        python: The full version of the interpreter that wrote it.
        platform: The platform that wrote it, for the record.
        loader: The name under which the service registers its loader.
        files: The model's files by name.
        environment: Every installed distribution by its normalized name.
        golden: Inputs and the outputs they gave, with tolerances.
        data: What it was trained on, fingerprint included.
        metrics: How good it was found to be.
        parameters: What it was trained with.
    """

    format: Literal[1]
    seal: Digest
    name: str = Field(min_length=1, max_length=100)
    version: str = Field(min_length=1, max_length=100)
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
        """The guarded distributions by name, with the versions that wrote the model."""
        return {name: record.version for name, record in self.environment.items() if record.guarded}

    @classmethod
    def unsealed(cls, *, created: datetime, **fields: object) -> Self:
        """A manifest whose seal is still zeros; `encode_manifest` fills it in."""
        return cls.model_validate(
            {"format": FORMAT, "seal": _NO_SEAL, "created": created, **fields}
        )


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes of ``manifest.json``, with the seal filled in.

    Floats are written so that they read back to the same 64 bits.

    Raises:
        ValueError: JSON cannot hold a number, or UTF-8 a text: what is opened is also answered.
    """
    document = manifest.model_dump(mode="json") | {"seal": _NO_SEAL}
    check_utf8(document)
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    seal = hashlib.sha256(text.encode()).hexdigest()
    return text.replace(_NO_SEAL, seal, 1).encode()


def check_utf8(document: object) -> None:
    """Check that every text of a document is whole, with no half of a surrogate pair.

    Raises:
        UnicodeEncodeError: One is not.
    """
    json.dumps(document, ensure_ascii=False).encode()


def manifest_digest(manifest: Manifest) -> str:
    """The SHA-256 of ``manifest.json``, from memory: nothing is read from its folder.

    Args:
        manifest: What `modelseal.seal` returned.
    """
    return hashlib.sha256(encode_manifest(manifest)).hexdigest()


def read_manifest(
    directory: Path, *, expected_sha256: str | None = None, signers: Sequence[str] = ()
) -> tuple[Manifest, str]:
    """Read and verify the manifest of a sealed model, and its signature where signers are given.

    The signature is verified before the manifest is looked into. Nothing else is touched.

    Args:
        directory: The model.
        expected_sha256: The SHA-256 that the manifest must have, in hexadecimal.
        signers: Public keys, ``ed25519:BASE64``, of which one must have signed the manifest; empty
            where no signature is asked for.

    Returns:
        The manifest and its SHA-256.

    Raises:
        ManifestError: It is missing, too large, no manifest, or of an unknown format.
        ManifestDigestError: It is not the expected one, or it changed after sealing.
        UnsignedError: A signature is asked for, and there is none.
        UnknownSignerError: The signature is by another key.
        BadSignatureError: The signature is damaged, or that of another model.
        SignatureExpiredError: The signature has expired.
        PublicKeyError: A signer's key is no public key.
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
            f"{path} changed after it was sealed: its contents do not have the digest that its "
            "field 'seal' states.",
            remedy=RESEAL,
        )
    if expected_sha256 is not None and digest != expected_sha256.strip().lower():
        raise ManifestDigestError(
            f"{path} has the SHA-256 {digest}, but the deployment expects {expected_sha256}.",
            remedy="Deploy the model that the deployment names, or, where this model is the one "
            "that is meant, set MODEL_SHA256 to its digest.",
        )
    if signature is not None:
        signed, found = (signature.name, signature.version), (manifest.name, manifest.version)
        if signed != found:
            raise BadSignatureError(
                f"{directory / SIGNATURE_NAME} calls the model {signed}; the manifest calls it "
                f"{found}.",
                remedy="Have the model signed again, by `modelseal sign`.",
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
        if b"\\u" in raw:  # only an escape can hold half of a surrogate pair
            check_utf8(document)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path} is not valid JSON: {error}.", remedy=RESEAL) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        raise ManifestError(
            f"{path} is of the format {found!r}; this modelseal reads format {FORMAT}.",
            remedy="Use the modelseal that the model's service pins, or seal the model anew.",
        )
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ManifestError(
            f"{path} is not a manifest: {where}: {first['msg']}.", remedy=RESEAL
        ) from error
