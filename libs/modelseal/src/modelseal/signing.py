"""Sign a sealed model with a private key: ed25519, in PEM (PKCS#8), as OpenSSL writes it."""

import base64
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from modelseal.errors import SigningError
from modelseal.folders import replace_file
from modelseal.manifest import read_manifest
from modelseal.model_files import read_files
from modelseal.public_keys import encode_public_key
from modelseal.signature import (
    SIGNATURE_NAME,
    Signature,
    encode_signature,
    signed_bytes,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["load_private_key", "public_key_of", "sign_model"]

MAX_KEY_BYTES = 64 * 2**10

_GENERATE = "Make a key with `openssl genpkey -algorithm ed25519 -out signer.pem`."


def load_private_key(path: Path, passphrase: str | None = None) -> "Ed25519PrivateKey":
    """Read a private key.

    Args:
        path: A PEM file (PKCS#8), encrypted or not.
        passphrase: What decrypts it, if it is encrypted.

    Raises:
        SigningError: It cannot be read or decrypted, or is no ed25519 key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            pem = file.read(MAX_KEY_BYTES)
    except OSError as error:
        raise SigningError(
            f"The key {path} cannot be read: {error.strerror}.", remedy=_GENERATE
        ) from error
    encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem
    if encrypted and passphrase is None:
        raise SigningError(
            f"The key {path} is encrypted.",
            remedy="Put its passphrase into the environment variable MODELSEAL_KEY_PASSPHRASE.",
        )
    if not encrypted and b"-----BEGIN PRIVATE KEY-----" not in pem:
        raise SigningError(f"{path} holds no private key in PEM (PKCS#8).", remedy=_GENERATE)
    secret = os.fsencode(passphrase) if encrypted and passphrase is not None else None
    try:
        key = load_pem_private_key(pem, secret)
    except (ValueError, UnsupportedAlgorithm) as error:
        # What the library says of it may be long and is of no help.
        reason = "it is damaged, or the passphrase is wrong" if encrypted else "it is damaged"
        raise SigningError(
            f"The key {path} cannot be used: {reason}.",
            remedy="Give the file that `openssl genpkey` wrote, and its passphrase in "
            "MODELSEAL_KEY_PASSPHRASE if it is encrypted.",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"The key {path} is of another kind than ed25519.", remedy=_GENERATE)
    return key


def public_key_of(key: "Ed25519PrivateKey") -> str:
    """The public key of a private one, in the form that MODEL_SIGNERS takes."""
    return encode_public_key(key.public_key().public_bytes_raw())


def sign_model(
    model: Path, key: "Ed25519PrivateKey", *, signed: datetime, valid_days: int | None = None
) -> Signature:
    """Sign a sealed model, in place of any signature that it has.

    The manifest and every file are verified first. The model is not opened.

    Args:
        model: The folder of the sealed model.
        key: The private key.
        signed: The time of signing, with a time zone.
        valid_days: The days after which the signature expires; None for never.

    Returns:
        The signature that was written to ``signature.json``, whole or not at all.

    Raises:
        SealedModelError: The folder is no sealed model, or is damaged.
        SigningError: The signature cannot be written, or the model has a file of that name.
    """
    manifest, sha256 = read_manifest(model)
    read_files(model, manifest)
    if SIGNATURE_NAME in manifest.files:
        raise SigningError(
            f"{model} has a file {SIGNATURE_NAME} of its own, which the signature would replace.",
            remedy="Seal the model again with that file under another name.",
        )
    unsigned = Signature(
        format=1,
        manifest_sha256=sha256,
        name=manifest.name,
        version=manifest.version,
        signed=signed,
        expires=None if valid_days is None else signed + timedelta(days=valid_days),
        signer=public_key_of(key),
        signature="A" * 86 + "==",
    )
    made = base64.b64encode(key.sign(signed_bytes(unsigned))).decode()
    signature = unsigned.model_copy(update={"signature": made})
    try:
        replace_file(model, SIGNATURE_NAME, encode_signature(signature))
    except OSError as error:
        raise SigningError(
            f"{model / SIGNATURE_NAME} cannot be written: {error.strerror}.",
            remedy="Make room, or give a model that this user may write to.",
        ) from error
    return signature
