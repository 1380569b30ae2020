"""`modelseal sign`."""

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer

from modelseal.commands.shared_options import ModelFolder
from modelseal.signing import load_private_key, sign_model

__all__ = ["command"]

PASSPHRASE = "MODELSEAL_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable


def command(
    model: ModelFolder,
    key: Annotated[Path, typer.Option(help="File of the private key: ed25519, PEM (PKCS#8).")],
    expires_days: Annotated[
        int | None,
        typer.Option(
            min=1, max=36500, help="Days until the signature expires. The default is never."
        ),
    ] = None,
) -> None:
    """Sign a sealed model, and print the public key that verifies it.

    Sign the model on the machine that trained it: the signature covers whatever is in the folder.
    The manifest and every file are verified, but the model is not loaded. The signature is written
    to `signature.json` in the folder, and replaces an existing one.

    Create a key with `openssl genpkey -algorithm ed25519 -out signer.pem`. With `-aes256` it is
    encrypted, and its passphrase is read from the environment variable MODELSEAL_KEY_PASSPHRASE.

    For example:

    * `modelseal sign models/orders --key signer.pem --expires-days 90`

    Exit status: 0 if the model was signed; 1 if the folder is not a sealed model or is damaged; 2
    if it cannot be signed. Standard error has the reason.
    """
    private = load_private_key(key, os.environ.get(PASSPHRASE))
    signed = datetime.now(timezone.utc).replace(microsecond=0)
    signature = sign_model(model, private, signed=signed, valid_days=expires_days)
    expiry = (
        f"until {signature.expires:%Y-%m-%d %H:%M} UTC" if signature.expires else "without expiry"
    )
    typer.echo(f"Signed {signature.name} {signature.version} {expiry}.", err=True)
    typer.echo(f"MODEL_SHA256={signature.manifest_sha256}\nMODEL_SIGNERS={signature.signer}")
