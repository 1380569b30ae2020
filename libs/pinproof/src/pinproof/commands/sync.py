"""`pinproof sync`."""

from pathlib import Path
from typing import Annotated

import typer

from pinproof.closure.sync import Change
from pinproof.closure.sync import sync as sync_repository
from pinproof.closure.uv import find_uv
from pinproof.repository.closure_record import RECORD_FILE

__all__ = ["command"]


def command(
    root: Annotated[
        Path, typer.Argument(help="The root of the repository, where pins.toml lies.")
    ] = Path(),
    uv: Annotated[
        Path | None,
        typer.Option(help="The resolver. Default: .tools/uv/bin/uv below ROOT, or uv on PATH."),
    ] = None,
    upgrade: Annotated[
        list[str] | None,
        typer.Option(
            help="A distribution whose transitive pin is made anew, at what is newest now. "
            "May be given several times.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--check", help="Change nothing, and exit 1 if something would change."),
    ] = False,
) -> None:
    """Pin everything that the pins of each service lead to.

    Resolves the requirements of each service in pins.toml with uv, for every Python and platform
    that is named there, and writes a pin for each distribution that people have not pinned below a
    marker line. What stands above that line is never changed.

    A pin that still holds stays as it is. One that contradicts what people wrote is made anew, and
    one that nothing needs any more is removed. What was found is recorded in each service's
    pins-closure.json, so that `pinproof check` can compare it offline (PIN008).

    For example:

    * `pinproof sync`

    * `pinproof sync --upgrade scipy --upgrade llvmlite`

    * `pinproof sync --check`

    Exit status: 0 done, 1 something would change (--check), 2 the pins cannot be resolved; then
    no file was changed.
    """
    changes = sync_repository(
        root,
        find_uv(root, uv),
        upgrade=upgrade or (),
        write=not dry_run,
        say=lambda text: typer.echo(text, err=True),
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
