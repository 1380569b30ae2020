"""`pinproof sync`."""

from pathlib import Path
from typing import Annotated

import typer

from pinproof.closure.sync import Change
from pinproof.closure.sync import sync as sync_repository
from pinproof.closure.uv import find_uv
from pinproof.repository.closure_record import RECORD_FILE


def command(
    root: Annotated[Path, typer.Argument(help="Root of the repository, with pins.toml.")] = Path(),
    uv: Annotated[
        Path | None,
        typer.Option(help="Path of uv. Default: .tools/uv/bin/uv below ROOT, or uv on PATH."),
    ] = None,
    upgrade: Annotated[
        list[str] | None,
        typer.Option(
            help="Distribution whose transitive pin is replaced by one for its newest release. "
            "Can be repeated.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--check", help="Change no file, and exit with 1 if a file would change."),
    ] = False,
) -> None:
    """Pin all dependencies of the pins of each service.

    Resolves the requirements of each service in pins.toml with uv, for every Python and platform
    that it names. Writes a pin for each transitive dependency below a marker line, and never
    changes the lines above it.

    Keeps a pin that is still valid, replaces one that contradicts a direct pin, and removes one
    that nothing requires. Records the result in pins-closure.json of the service, so that
    `pinproof check` can compare it offline (PIN008).

    For example:

    * `pinproof sync`

    * `pinproof sync --upgrade scipy --upgrade llvmlite`

    * `pinproof sync --check`

    Exit status: 0 done; 1 a file would change (--check); 2 the pins cannot be resolved, and no
    file was changed.
    """
    changes = sync_repository(
        root,
        find_uv(root, uv),
        upgrade=upgrade or (),
        write=not dry_run,
        log=lambda text: typer.echo(text, err=True),
    )
    for change in changes:
        if not change.path.endswith(RECORD_FILE):
            _show(change)
    files = ", ".join(change.path for change in changes)
    done = "To change" if dry_run else "Changed"
    typer.echo(f"{done}: {files}." if changes else "Nothing to change.", err=True)
    if dry_run and changes:
        raise typer.Exit(1)


def _show(change: Change) -> None:
    typer.echo(change.path)
    for sign, lines in (("-", change.removed), ("+", change.added)):
        for line in lines:
            if line.strip():
                typer.echo(f"{sign} {line}")
