"""`pinproof adopt`."""

from pathlib import Path
from typing import Annotated

import typer

from pinproof.adoption.adopt import AdoptionError, propose, write_proposals


def command(
    root: Annotated[
        Path, typer.Argument(help="Root of the repository, with pins.toml if it has one.")
    ] = Path(),
    lock: Annotated[
        Path | None,
        typer.Option(
            help="Lock file with the versions: uv.lock, poetry.lock, pdm.lock, pylock.toml, "
            "Pipfile.lock, or requirements with ==, such as the output of pip freeze. Default: the "
            "nearest one in the folder of each requirement, or above."
        ),
    ] = None,
    python: Annotated[
        Path | None, typer.Option(help="Interpreter of an environment with the versions.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Change the files.")] = False,
) -> None:
    """Propose a ~= pin for each requirement without one, from the versions in use.

    Prints a patch that pins the requirements of requirements files and of pyproject.toml to the
    series of the version in a lock file or an environment. Without both, `==` becomes `~=`.
    Changes nothing else: names, extras, markers and comments are kept.

    Names the requirements for which there is no version, and does not change them.

    For example:

    * `pinproof adopt`

    * `pinproof adopt --python .venv/bin/python | git apply`

    * `pinproof adopt --write`

    Exit status: 0 every requirement is pinned, by --write if necessary; 1 some are not pinned; 2 a
    file cannot be read or written.
    """
    if lock is not None and python is not None:
        raise AdoptionError("--lock and --python are both given.", remedy="Give one of them.")
    proposals = propose(root, lock=lock, python=python)
    if write:
        write_proposals(root, proposals)
        for path in proposals.after:
            typer.echo(f"Changed: {path}")
    else:
        typer.echo(proposals.patch, nl=False)
    for reason in proposals.open:
        typer.echo(reason, err=True)
    done = "pinned" if write else "can be pinned"
    typer.echo(f"{proposals.pinned} {done}, {len(proposals.open)} cannot.", err=True)
    if proposals.open or (proposals.pinned and not write):
        raise typer.Exit(1)
