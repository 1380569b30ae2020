"""`pinproof exclusions`."""

from pathlib import Path
from typing import Annotated

import typer

from pinproof.repository.policy import find_root, load_policy


def command(
    folder: Annotated[Path, typer.Argument(help="Folder below pins.toml, such as a service.")],
) -> None:
    """List the distributions that pins.toml excludes from a folder, one on a line.

    The output is a file for uv's option `--excludes`, so that an installation leaves out what
    `sync`, `check` and `verify` leave out.

    For example:

    * `uv pip install -r requirements-prod.txt --excludes <(pinproof exclusions .)`

    Exit status: 0 listed, even if there are none; 2 pins.toml cannot be used.
    """
    inside = folder.absolute() / "file"
    root = find_root(inside)
    if root is not None:
        excluded = load_policy(root).excluded_from(inside.parent.relative_to(root).as_posix())
        for name in sorted(excluded):
            typer.echo(name)
