"""Sign a sealed model with an ed25519 private key in PEM (PKCS#8), the format of OpenSSL."""

import base64
import os
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from modelseal.errors import SigningError
from modelseal.manifest import read_manifest
from modelseal.model_files import read_files, replace_file
from modelseal.public_keys import encode_public_key
from modelseal.signature import SIGNATURE_NAME, Signature, encode_signature, signed_bytes

__all__ = ["load_private_key", "public_key_of", "sign_model"]

MAX_KEY_BYTES = 64 * 2**10

_GENERATE = "Create a key with `openssl genpkey -algorithm ed25519 -out signer.pem`."


def load_private_key(path: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """Read a private key.

    Args:
        path: A PEM file (PKCS#8), encrypted or not.
        passphrase: Passphrase of an encrypted key.

    Raises:
        SigningError: The key cannot be read or decrypted, or is not an ed25519 key.
    """
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
            remedy="Set the environment variable MODELSEAL_KEY_PASSPHRASE to its passphrase.",
        )
    if not encrypted and b"-----BEGIN PRIVATE KEY-----" not in pem:
        raise SigningError(f"{path} has no private key in PEM (PKCS#8).", remedy=_GENERATE)
    secret = os.fsencode(passphrase) if encrypted and passphrase is not None else None
    try:
        key = load_pem_private_key(pem, secret)
    except (ValueError, UnsupportedAlgorithm) as error:
        # The message of the library is long and does not help.
        reason = "it is damaged, or the passphrase is wrong" if encrypted else "it is damaged"
        raise SigningError(
            f"The key {path} cannot be used: {reason}.",
            remedy="Give the file that `openssl genpkey` wrote. If it is encrypted, set "
            "MODELSEAL_KEY_PASSPHRASE to its passphrase.",
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"The key {path} is not an ed25519 key.", remedy=_GENERATE)
    return key


def public_key_of(key: Ed25519PrivateKey) -> str:
    """The public key of a private key, in the text form for MODEL_SIGNERS."""
    return encode_public_key(key.public_key().public_bytes_raw())


def sign_model(
    model: Path, key: Ed25519PrivateKey, *, signed: datetime, valid_days: int | None = None
) -> Signature:
    """Sign a sealed model, and replace its signature if it has one.

    The manifest and every file are verified first. The model is not loaded.

    Args:
        model: Folder of the sealed model.
        key: Private key.
        signed: Time of signing, with a time zone.
        valid_days: Days after which the signature expires; None for never.

    Returns:
        The signature that was written to ``signature.json``, whole or not at all.

    Raises:
        SealedModelError: The folder is not a sealed model, or is damaged.
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
    encoded = base64.b64encode(key.sign(signed_bytes(unsigned))).decode()
    signature = unsigned.model_copy(update={"signature": encoded})
    try:
        replace_file(model, SIGNATURE_NAME, encode_signature(signature))
    except OSError as error:
        raise SigningError(
            f"{model / SIGNATURE_NAME} cannot be written: {error.strerror}.",
            remedy="Make room, or give a model that this user may write to.",
        ) from error
    return signature
