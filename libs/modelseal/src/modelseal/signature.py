"""The signature of a sealed model: ``signature.json``, format 1.

The file signs the manifest's digest, and so every byte of the model. It is
trusted only through public keys that the deployment names; the key that the file names decides
nothing. The cryptography library is imported only where a signature is made or verified.
"""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from modelseal.errors import (
    BadSignatureError,
    PublicKeyError,
    SignatureExpiredError,
    UnknownSignerError,
    UnsignedError,
)
from modelseal.public_keys import parse_public_key
from modelseal.regular_files import read_regular

__all__ = [
    "MAX_SIGNATURE_BYTES",
    "SIGNATURE_NAME",
    "Signature",
    "encode_signature",
    "parse_signature",
    "read_signature",
    "signed_bytes",
    "verify_signature",
]

SIGNATURE_NAME = "signature.json"
MAX_SIGNATURE_BYTES = 16 * 2**10

# What else the key may sign never begins like this.
_CONTEXT: Final = b"pinproof model signature\n"
_SIGN_AGAIN = "Fetch the model again from where it was published, or have it signed again."


class Signature(BaseModel):
    """What a signer says of a model.

    Attributes:
        format: The version of this document's form.
        manifest_sha256: SHA-256 of the bytes of ``manifest.json``.
        name: The model's name, as in its manifest.
        version: The model's version, as in its manifest.
        signed: When it was signed.
        expires: From when on it is refused; None for never.
        signer: The public key that verifies it, in its text form.
        signature: The 64 bytes of the ed25519 signature of all other fields, in base64.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    manifest_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    name: str = Field(min_length=1, max_length=100)
    version: str = Field(min_length=1, max_length=100)
    signed: AwareDatetime
    expires: AwareDatetime | None
    signer: Annotated[str, StringConstraints(max_length=100)]
    signature: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]


def encode_signature(signature: Signature) -> bytes:
    """The bytes of ``signature.json``. A signature has no other encoding."""
    document = signature.model_dump(mode="json")
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def signed_bytes(signature: Signature) -> bytes:
    """The bytes that are signed: a fixed line, and the other fields as compact, sorted JSON."""
    document = signature.model_dump(mode="json", exclude={"signature"})
    return _CONTEXT + json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def read_signature(directory: Path) -> bytes | None:
    """Read a model's signature, at most one byte more than it may have.

    Returns:
        Its bytes; None where the model is not signed.

    Raises:
        BadSignatureError: There is something that cannot be read, such as a folder or a pipe.
    """
    path = directory / SIGNATURE_NAME
    try:
        return read_regular(path, MAX_SIGNATURE_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadSignatureError(
            f"{path} cannot be read: {error.strerror}.", remedy=_SIGN_AGAIN
        ) from error


def parse_signature(raw: bytes, *, where: str, manifest_sha256: str) -> Signature:
    """Check all of a signature that can be checked without a key.

    Args:
        raw: The bytes of ``signature.json``.
        where: What to call it in messages: a path or an address.
        manifest_sha256: The SHA-256 of the model's manifest.

    Raises:
        BadSignatureError: It is no signature, or that of another manifest.
    """
    if len(raw) > MAX_SIGNATURE_BYTES:
        raise BadSignatureError(
            f"{where} is larger than {MAX_SIGNATURE_BYTES} bytes.", remedy=_SIGN_AGAIN
        )
    try:
        signature = Signature.model_validate(json.loads(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise BadSignatureError(
            f"{where} is not a signature of format 1: {place}: {first['msg']}.",
            remedy=_SIGN_AGAIN,
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadSignatureError(
            f"{where} is not valid JSON: {error}.", remedy=_SIGN_AGAIN
        ) from error
    if encode_signature(signature) != raw:
        raise BadSignatureError(
            f"{where} is not written as `modelseal sign` writes it.", remedy=_SIGN_AGAIN
        )
    if signature.manifest_sha256 != manifest_sha256:
        raise BadSignatureError(
            f"{where} signs a manifest with the SHA-256 {signature.manifest_sha256} "
            f"({signature.name!r} {signature.version!r}); the manifest has {manifest_sha256}.",
            remedy="The signature belongs to another model, or the manifest changed after it was "
            f"signed. {_SIGN_AGAIN}",
        )
    return signature


def verify_signature(
    raw: bytes | None, signers: Sequence[str], *, where: str, manifest_sha256: str
) -> Signature:
    """Check that one of the signers signed a manifest, and that the signature has not expired.

    Args:
        raw: The bytes of ``signature.json``; None where there is none.
        signers: The public keys of those whose models are accepted, in their text form.
        where: What to call the signature in messages: a path or an address.
        manifest_sha256: The SHA-256 of the manifest.

    Raises:
        UnsignedError: There is no signature.
        BadSignatureError: It is no signature, that of another manifest, or not its signer's.
        UnknownSignerError: It is by another key.
        SignatureExpiredError: It is right, but expired.
        PublicKeyError: A signer's key is no public key.
    """
    accepted = {parse_public_key(signer) for signer in signers}
    if raw is None:
        raise UnsignedError(
            f"The model is not signed: {where} does not exist.",
            remedy="Deploy a model that one of MODEL_SIGNERS signed, with `modelseal sign`.",
        )
    signature = parse_signature(raw, where=where, manifest_sha256=manifest_sha256)
    try:
        key = parse_public_key(signature.signer)
    except PublicKeyError as error:
        raise BadSignatureError(
            f"{where} names no signer: {error.message}", remedy=_SIGN_AGAIN
        ) from error
    if key not in accepted:
        raise UnknownSignerError(
            f"{where} is by {signature.signer}, which is not a signer that is accepted here.",
            remedy="Deploy a model that one of MODEL_SIGNERS signed. If this signer is one to "
            "trust, which this file cannot tell, add the key to MODEL_SIGNERS.",
        )
    _check_by_key(signature, key, where)
    now = datetime.now(UTC)
    if signature.expires is not None and now >= signature.expires:
        raise SignatureExpiredError(
            f"{where} expired at {signature.expires:%Y-%m-%d %H:%M %Z}; it is "
            f"{now:%Y-%m-%d %H:%M} UTC now.",
            remedy="Have the model signed again, or deploy a newer one. Check the clock.",
        )
    return signature


def _check_by_key(signature: Signature, key: bytes, where: str) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(
            base64.b64decode(signature.signature), signed_bytes(signature)
        )
    except InvalidSignature as error:
        raise BadSignatureError(
            f"{where} was not made by {signature.signer}, which it names, or changed since.",
            remedy=_SIGN_AGAIN,
        ) from error
