"""`modelseal fetch`."""

from pathlib import Path
from typing import Annotated

import typer

from modelseal.commands.options import Signers, split_signers
from modelseal.delivery.fetching import fetch as fetch_model
from modelseal.delivery.retrying import PATIENCE_S
from modelseal.signals import exit_on_sigterm

__all__ = ["command"]


def command(  # noqa: PLR0917 - typer makes options of them, nobody passes them by position
    uri: Annotated[
        str, typer.Argument(help="The model's folder: s3://..., gs://... or file:///...")
    ],
    to: Annotated[Path, typer.Option(help="The folder to write.")],
    sha256: Annotated[
        str | None, typer.Option(help="The SHA-256 that its manifest.json must have.")
    ] = None,
    signer: Signers = None,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds without progress to wait for a bucket.")
    ] = PATIENCE_S,
    max_bytes: Annotated[
        int, typer.Option(min=1, help="Largest size in bytes of all of the model's files.")
    ] = 4 * 2**30,
) -> None:
    """Fetch a sealed model from a bucket, and verify it before it is visible.

    The manifest must have the digest, or the signature of a signer, or both where both are given;
    one of them is needed. Every file must have the size and digest that the manifest states; then
    the folder appears, whole, with its signature if it has one. What was fetched by an attempt that
    was interrupted is not fetched again. The model is not opened: that is its service's work.

    For example:

    * `modelseal fetch s3://models/bankchurn/1.4.0 --sha256 3b5d... --to /model/current`

    * `modelseal fetch s3://models/bankchurn/1.4.0 --signer ed25519:mWkN... --to /model/current`

    Exit status: 0 it is there, 1 it is refused: what lies in the bucket is not the model that was
    asked for; 2 it cannot be fetched (the reason on standard error); 75 the bucket does not answer
    now, and may later.
    """
    with exit_on_sigterm():
        manifest = fetch_model(
            uri,
            to,
            sha256=sha256,
            signers=split_signers(signer),
            patience_s=patience,
            max_bytes=max_bytes,
            say=lambda text: typer.echo(text, err=True),
        )
    typer.echo(f"{manifest.name} {manifest.version} is in {to}.")
