"""`pinproof push`."""

from pathlib import Path
from typing import Annotated

import typer

from pinproof.commands.ending import terminable
from pinproof.commands.paths import check_model
from pinproof.delivery.patience import PATIENCE_S
from pinproof.errors import SealedModelError

__all__ = ["push"]


def push(
    model: Annotated[Path, typer.Argument(help="The folder of a sealed model.")],
    uri: Annotated[
        str, typer.Argument(help="The folder to push it to: s3://..., gs://... or file:///...")
    ],
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds without progress to wait for a bucket.")
    ] = PATIENCE_S,
) -> None:
    """Push a sealed model to a folder of a bucket, and print what a deployment needs of it.

    Its files go first, then its signature if it has one, and its manifest last. Nothing is
    overwritten: a folder that holds another model or another signature is refused. Pushing the same
    model again finishes or changes nothing.

    For example:

    * `pinproof push models/current s3://models/bankchurn/1.4.0`

    Exit status: 0 it is there, 1 the folder is no sealed model or is damaged, 2 it cannot be
    pushed (the reason on standard error); 75 the bucket does not answer now, and may later.
    """
    from pinproof.delivery.pushing import push as push_model  # noqa: PLC0415

    check_model(model)
    try:
        with terminable():
            sha256 = push_model(
                model, uri, patience_s=patience, say=lambda text: typer.echo(text, err=True)
            )
    except SealedModelError as refusal:
        typer.echo(f"Refused ({refusal.code}): {refusal}", err=True)
        raise typer.Exit(1) from refusal
    typer.echo(f"MODEL_URI={uri.rstrip('/')}\nMODEL_SHA256={sha256}")
