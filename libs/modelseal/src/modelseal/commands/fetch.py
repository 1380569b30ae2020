"""`modelseal fetch`."""

from pathlib import Path
from typing import Annotated

import typer

from modelseal.commands.shared_options import Patience, Sha256, Signers, split_signers
from modelseal.delivery.fetching import MAX_MODEL_BYTES, fetch
from modelseal.delivery.retrying import STALL_TIMEOUT_S
from modelseal.signals import exit_on_sigterm

__all__ = ["command"]


def command(  # noqa: PLR0917 - typer makes options of them, nobody passes them by position
    uri: Annotated[
        str,
        typer.Argument(help="Folder of the model in a bucket: s3://..., gs://... or file:///..."),
    ],
    to: Annotated[Path, typer.Option(help="Folder to write the model to.")],
    sha256: Sha256 = None,
    signer: Signers = None,
    patience: Patience = STALL_TIMEOUT_S,
    max_bytes: Annotated[
        int, typer.Option(min=1, help="Largest total size of the model's files, in bytes.")
    ] = MAX_MODEL_BYTES,
) -> None:
    """Fetch a sealed model from a bucket, and verify it before it becomes visible.

    The manifest must have the given digest, the signature of a given signer, or both if both are
    given. At least one is required. Every file must have the size and digest in the manifest. Then
    the complete folder appears, with its signature if there is one. A new attempt resumes an
    interrupted one. The model is not loaded; its service does that.

    For example:

    * `modelseal fetch s3://models/orders/1.4.0 --sha256 3b5d... --to /model/current`

    * `modelseal fetch s3://models/orders/1.4.0 --signer ed25519:mWkN... --to /model/current`

    Exit status: 0 if the model was fetched; 1 if it is refused because it is not the requested
    model; 2 if it cannot be fetched; 75 if the bucket does not answer now, but may later. Standard
    error has the reason.
    """
    with exit_on_sigterm():
        manifest = fetch(
            uri,
            to,
            sha256=sha256,
            signers=split_signers(signer),
            stall_timeout_s=patience,
            max_bytes=max_bytes,
            report=lambda text: typer.echo(text, err=True),
        )
    typer.echo(f"{manifest.name} {manifest.version} is in {to}.")
