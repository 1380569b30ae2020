"""The command line. A command is a function in `pinproof.commands`, listed at the end."""

import sys
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperGroup

from pinproof.commands.audit import audit
from pinproof.commands.check import check
from pinproof.commands.exclusions import exclusions
from pinproof.commands.explain import explain
from pinproof.commands.fetch import fetch
from pinproof.commands.open import open_model
from pinproof.commands.outdated import outdated
from pinproof.commands.paths import path_errors
from pinproof.commands.prove import prove
from pinproof.commands.push import push
from pinproof.commands.seal import seal
from pinproof.commands.sign import sign
from pinproof.commands.sync import sync
from pinproof.commands.trial import trial
from pinproof.commands.verify import verify
from pinproof.errors import PinproofError, UnreachableError

__all__ = ["app"]


class _Group(TyperGroup):
    """Turns this package's errors into a message and an exit status, in one place."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - typer keeps the type to itself
        # A path may hold characters that the output's encoding lacks: they are printed as escapes.
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            with path_errors():
                return super().invoke(ctx)
        except PinproofError as error:
            typer.echo(f"pinproof: {error}", err=True)
            # EX_TEMPFAIL of sysexits.h: who starts this may start it again.
            raise typer.Exit(75 if isinstance(error, UnreachableError) else 2) from error


app = typer.Typer(
    cls=_Group,
    name="pinproof",
    help="Checks pins, seals and signs models, and opens them only where they are proven.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command()(check)
app.command()(sync)
app.command()(verify)
app.command()(exclusions)
app.command()(outdated)
app.command()(audit)
app.command()(prove)
app.command()(trial)
app.command()(explain)
app.command()(seal)
app.command()(sign)
app.command("open")(open_model)
app.command()(push)
app.command()(fetch)
