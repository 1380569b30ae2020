"""The manifest of a sealed model: what it is, what wrote it, and what it answered (format 1).

``manifest.json`` stands beside the files of the model. Its field ``seal`` is the SHA-256 of the
manifest's own bytes with the 64 digits of the seal replaced by zeros, so that damage is seen
even where the deployment does not say which manifest it expects. Only an expected digest given
from outside (``MODEL_SHA256``) protects against somebody who means it.
"""

import errno
import hashlib
import json
import re
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

from pinproof.errors import FileDigestError, ManifestDigestError, ManifestError
from pinproof.sealed.golden import FiniteFloat, GoldenSet

__all__ = [
    "FORMAT",
    "MANIFEST_NAME",
    "MAX_MANIFEST_BYTES",
    "DistributionRecord",
    "FileName",
    "FileRecord",
    "Manifest",
    "encode_manifest",
    "read_file",
    "read_files",
    "read_manifest",
]

FORMAT = 1
MANIFEST_NAME = "manifest.json"
MAX_MANIFEST_BYTES = 64 * 2**20
MAX_FILE_BYTES = 64 * 2**30

_NO_SEAL = "0" * 64
_RESEAL = "Fetch the model again from where it was published, or train and seal it anew."

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
    """
    document = manifest.model_dump(mode="json") | {"seal": _NO_SEAL}
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    seal = hashlib.sha256(text.encode()).hexdigest()
    return text.replace(_NO_SEAL, seal, 1).encode()


def read_manifest(directory: Path, *, expected_sha256: str | None = None) -> tuple[Manifest, str]:
    """Read and verify the manifest of a sealed model. Nothing else is touched.

    Args:
        directory: The model.
        expected_sha256: The SHA-256 that the manifest must have, in hexadecimal.

    Returns:
        The manifest and its SHA-256.

    Raises:
        ManifestError: It is missing, too large, no manifest, or of an unknown format.
        ManifestDigestError: It is not the expected one, or it changed after sealing.
    """
    path = directory / MANIFEST_NAME
    raw = _read_bounded(path)
    digest = hashlib.sha256(raw).hexdigest()
    manifest = _parse(path, raw)
    zeroed = raw.replace(manifest.seal.encode(), _NO_SEAL.encode(), 1)
    if hashlib.sha256(zeroed).hexdigest() != manifest.seal:
        raise ManifestDigestError(
            f"{path} changed after it was sealed: its contents do not have the digest that its "
            "field 'seal' states.",
            remedy=_RESEAL,
        )
    if expected_sha256 is not None and digest != expected_sha256.strip().lower():
        raise ManifestDigestError(
            f"{path} has the SHA-256 {digest}, but the deployment expects {expected_sha256}.",
            remedy="Deploy the model that the deployment names, or, where this model is the one "
            "that is meant, set MODEL_SHA256 to its digest.",
        )
    return manifest, digest


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
        contents = _read_regular(path, record.size)
    except OSError as error:
        raise FileDigestError(
            f"{path} cannot be read: {error.strerror}.", remedy=_RESEAL
        ) from error
    if len(contents) != record.size:
        relation = "more" if len(contents) > record.size else f"{len(contents)}"
        raise FileDigestError(
            f"{path} has {relation} bytes, but {record.size} were sealed.", remedy=_RESEAL
        )
    digest = hashlib.sha256(contents).hexdigest()
    if digest != record.sha256:
        raise FileDigestError(
            f"{path} has the SHA-256 {digest}, but {record.sha256} was sealed.", remedy=_RESEAL
        )
    return contents


def _read_regular(path: Path, size: int) -> bytes:
    """At most one byte more than a size: enough to know that a file is larger."""
    # Opening a pipe would wait for somebody to write into it.
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file")
    with path.open("rb") as file:
        return file.read(size + 1)


def _read_bounded(path: Path) -> bytes:
    try:
        raw = _read_regular(path, MAX_MANIFEST_BYTES)
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
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path} is not valid JSON: {error}.", remedy=_RESEAL) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        raise ManifestError(
            f"{path} is of the format {found!r}; this pinproof reads format {FORMAT}.",
            remedy="Use the pinproof that the model's service pins, or seal the model anew.",
        )
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ManifestError(
            f"{path} is not a manifest: {where}: {first['msg']}.", remedy=_RESEAL
        ) from error
