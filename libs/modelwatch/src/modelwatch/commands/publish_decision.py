"""`modelwatch publish-decision`."""

from pathlib import Path
from typing import Annotated

import typer

from modelwatch.challenge.decision_files import PATCH
from modelwatch.challenge.publication import publish_decision
from modelwatch.challenge.release_file import read_release
from modelwatch.errors import PlaceError
from modelwatch.store import FileBasedStore, open_store

__all__ = ["command"]


def command(
    decision: Annotated[Path, typer.Argument(help="Folder that `modelwatch challenge` wrote.")],
    address: Annotated[
        str, typer.Argument(help="Folder for the decision: a path, s3://... or gs://...")
    ],
    *,
    uri: Annotated[str, typer.Option(help="Address to which the challenger was pushed.")],
    release: Annotated[
        Path | None,
        typer.Option(help="Release file of a cluster, for which a patch is written: TOML."),
    ] = None,
    release_path: Annotated[
        str | None,
        typer.Option(
            help="Path of the release file in its repository, for a copy of the file. Default: "
            "found by the repository's folder .git."
        ),
    ] = None,
) -> None:
    """Publish the decision of a challenge, and print how to promote the challenger.

    Writes decision.json, decision.html and, for a promoted challenger and a release file,
    promotion.patch, which is also the end of the output. Nothing that serves is changed.
    """
    store = open_store(address)
    if not isinstance(store, FileBasedStore):
        raise PlaceError("A database holds no decision.", remedy="Give a folder or bucket.")
    file = read_release(release) if release is not None else None
    if file is not None and release_path is not None:
        file = file._replace(name=release_path)
    found = publish_decision(decision, store, uri, file)
    sha256 = found.challenger.sha256
    for name, reason in found.failed:
        typer.echo(f"{name + ':':<13}FAILED  {reason}")
    typer.echo(f"decision:    {'promoted' if found.promoted else 'not promoted'}; see {address}")
    typer.echo(f"MODEL_URI={uri}\nMODEL_SHA256={sha256}")
    if file is None or found.patch is None:
        return
    if file.models[found.challenger.name].get("signers"):
        typer.echo("The deployment requires a signature. Sign the challenger first:")
        typer.echo(f"  modelseal fetch {uri} --sha256 {sha256} --to signed")
        typer.echo("  modelseal sign signed --key KEY.pem")
        typer.echo(f"  modelseal push signed {uri}")
    typer.echo(f"To promote it, give {PATCH} to `git apply`, and open a pull request:")
    typer.echo(found.patch, nl=False)
