"""`pinproof exclusions`."""

from pathlib import Path
from typing import Annotated

import typer

from pinproof.repository.policy import find_root, load_policy

__all__ = ["command"]


def command(
    folder: Annotated[Path, typer.Argument(help="A folder below pins.toml, such as a service.")],
) -> None:
    """List what pins.toml excludes from a folder, one name on a line.

    This is the file that uv's `--excludes` takes, so that an installation leaves out what `sync`,
    `check` and `verify` do.

    For example:

    * `uv pip install -r requirements-prod.txt --excludes <(pinproof exclusions .)`

    Exit status: 0 listed, none too; 2 pins.toml cannot be used.
    """
    inside = folder.absolute() / "file"
    root = find_root(inside)
    if root is not None:
        excluded = load_policy(root).excluded_from(inside.parent.relative_to(root).as_posix())
        for name in sorted(excluded):
            typer.echo(name)
