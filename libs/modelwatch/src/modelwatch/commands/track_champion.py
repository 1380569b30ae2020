"""`modelwatch track-champion`."""

from pathlib import Path
from typing import Annotated

import typer

from modelwatch.challenge.release_file import read_release
from modelwatch.commands.track import connect
from modelwatch.errors import ChallengeError
from modelwatch.tracking.aliases import move_champions

__all__ = ["command"]


def command(
    release: Annotated[Path, typer.Argument(help="Release file of the cluster: TOML.")],
) -> None:
    """Give the alias `champion` to the models that a release file names.

    Run it after a deployment. Nothing else moves the alias.
    """
    models: dict[str, str] = {}
    for name, table in read_release(release).models.items():
        sha256 = table.get("sha256") if isinstance(table, dict) else None
        if not isinstance(sha256, str):
            raise ChallengeError(
                f"{release}: [models.{name}] has no sha256.", remedy="Correct the release file."
            )
        models[name] = sha256
    for version in move_champions(connect(), models):
        typer.echo(f"champion:  {version.name}, version {version.version}")
