"""`modelseal push`."""

from pathlib import Path
from typing import Annotated

import typer

from modelseal.delivery.pushing import push as push_model
from modelseal.delivery.retrying import PATIENCE_S
from modelseal.path_errors import check_model
from modelseal.signals import exit_on_sigterm

__all__ = ["command"]


def command(
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

    * `modelseal push models/current s3://models/bankchurn/1.4.0`

    Exit status: 0 it is there, 1 the folder is no sealed model or is damaged, 2 it cannot be
    pushed (the reason on standard error); 75 the bucket does not answer now, and may later.
    """
    check_model(model)
    with exit_on_sigterm():
        sha256 = push_model(
            model, uri, patience_s=patience, say=lambda text: typer.echo(text, err=True)
        )
    typer.echo(f"MODEL_URI={uri.rstrip('/')}\nMODEL_SHA256={sha256}")
