"""The signature of a sealed model: ``signature.json``, format 1.

It signs the digest of the manifest, and so every byte of the model. Only a public key that the
deployment names makes it trusted; the key in the file itself does not. The cryptography library is
imported only when a signature is made or verified.
"""

import base64
import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, StringConstraints, ValidationError

from modelseal.bounded_read import read_regular
from modelseal.errors import (
    BadSignatureError,
    PublicKeyError,
    SignatureExpiredError,
    UnknownSignerError,
    UnsignedError,
)
from modelseal.public_keys import parse_public_key
from modelseal.records import Name, Record, Sha256, first_error

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

# Separates these signatures from others that the same key makes.
_CONTEXT: Final = b"pinproof model signature\n"
_SIGN_AGAIN = "Fetch the model again from where it was published, or sign it again."


class Signature(Record):
    """The contents of ``signature.json``.

    Attributes:
        format: Version of the document's format.
        manifest_sha256: SHA-256 of the bytes of ``manifest.json``.
        name: Name of the model, as in its manifest.
        version: Version of the model, as in its manifest.
        signed: Time of signing.
        expires: Time from which the signature is refused; None for never.
        signer: Public key that verifies the signature, in its text form.
        signature: Base64 of the 64 bytes of the ed25519 signature of all other fields.
    """

    format: Literal[1]
    manifest_sha256: Sha256
    name: Name
    version: Name
    signed: AwareDatetime
    expires: AwareDatetime | None
    signer: Annotated[str, StringConstraints(max_length=100)]
    signature: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]


def encode_signature(signature: Signature) -> bytes:
    """The bytes of ``signature.json``. No other encoding is accepted."""
    document = signature.model_dump(mode="json")
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def signed_bytes(signature: Signature) -> bytes:
    """The bytes that are signed: a fixed line, and the other fields as compact, sorted JSON."""
    document = signature.model_dump(mode="json", exclude={"signature"})
    return _CONTEXT + json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def read_signature(directory: Path) -> bytes | None:
    """Read the signature of a model, at most one byte more than its maximum size.

    Returns:
        The bytes of ``signature.json``; None if the model is not signed.

    Raises:
        BadSignatureError: It cannot be read, or is not a file, such as a folder or a pipe.
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
    """Parse a signature, and make all checks that need no key.

    Args:
        raw: The bytes of ``signature.json``.
        where: Path or address of the file, for messages.
        manifest_sha256: SHA-256 of the model's manifest.

    Raises:
        BadSignatureError: It is not a signature, or belongs to another manifest.
    """
    if len(raw) > MAX_SIGNATURE_BYTES:
        raise BadSignatureError(
            f"{where} is larger than {MAX_SIGNATURE_BYTES} bytes.", remedy=_SIGN_AGAIN
        )
    try:
        signature = Signature.model_validate(json.loads(raw))
    except ValidationError as error:
        raise BadSignatureError(
            f"{where} is not a signature of format 1: {first_error(error)}.", remedy=_SIGN_AGAIN
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadSignatureError(
            f"{where} is not valid JSON: {error}.", remedy=_SIGN_AGAIN
        ) from error
    if encode_signature(signature) != raw:
        raise BadSignatureError(
            f"{where} is not in the form that `modelseal sign` writes.", remedy=_SIGN_AGAIN
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
        raw: The bytes of ``signature.json``; None if there is no such file.
        signers: Public keys of the accepted signers, in their text form.
        where: Path or address of the file, for messages.
        manifest_sha256: SHA-256 of the manifest.

    Raises:
        UnsignedError: There is no signature.
        BadSignatureError: It is not a signature, belongs to another manifest, or was not made by
            the signer that it names.
        UnknownSignerError: It was made with another key.
        SignatureExpiredError: It is valid, but has expired.
        PublicKeyError: A signer's key is not a public key.
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
            f"The signer in {where} is not valid: {error.message}", remedy=_SIGN_AGAIN
        ) from error
    if key not in accepted:
        raise UnknownSignerError(
            f"{where} is by {signature.signer}, which is not a signer that is accepted here.",
            remedy="Deploy a model that one of MODEL_SIGNERS signed. If you know from another "
            "source that this signer is trusted, add the key to MODEL_SIGNERS.",
        )
    _check_by_key(signature, key, where)
    now = datetime.now(timezone.utc)
    if signature.expires is not None and now >= signature.expires:
        raise SignatureExpiredError(
            f"{where} expired at {signature.expires:%Y-%m-%d %H:%M %Z}; it is "
            f"{now:%Y-%m-%d %H:%M} UTC now.",
            remedy="Sign the model again, or deploy a newer one. Check the clock.",
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
            f"{where} was not made by {signature.signer}, which it names, or changed later.",
            remedy=_SIGN_AGAIN,
        ) from error
