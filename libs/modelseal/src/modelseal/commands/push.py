"""`modelseal push`."""

from typing import Annotated

import typer

from modelseal.commands.shared_options import ModelFolder, Patience
from modelseal.delivery.pushing import push
from modelseal.delivery.retrying import STALL_TIMEOUT_S
from modelseal.signals import exit_on_sigterm

__all__ = ["command"]


def command(
    model: ModelFolder,
    uri: Annotated[
        str, typer.Argument(help="Folder in a bucket to push to: s3://..., gs://... or file:///...")
    ],
    patience: Patience = STALL_TIMEOUT_S,
) -> None:
    """Push a sealed model to a folder of a bucket, and print the settings of its deployment.

    The files are pushed first, then the signature if there is one, and the manifest last. Nothing
    is overwritten: a folder that holds another model or another signature is refused. Pushing the
    same model again finishes an interrupted push, or changes nothing.

    For example:

    * `modelseal push models/current s3://models/orders/1.4.0`

    Exit status: 0 if the model was pushed; 1 if the folder is not a sealed model or is damaged; 2
    if it cannot be pushed; 75 if the bucket does not answer now, but may later. Standard error has
    the reason.
    """
    with exit_on_sigterm():
        sha256 = push(
            model, uri, stall_timeout_s=patience, report=lambda text: typer.echo(text, err=True)
        )
    typer.echo(f"MODEL_URI={uri.rstrip('/')}\nMODEL_SHA256={sha256}")
