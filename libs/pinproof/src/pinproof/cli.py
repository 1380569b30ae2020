"""The command line. A command is a module of `pinproof.commands`."""

import sys
from io import TextIOWrapper
from typing import Any

import typer
from modelseal.errors import RemedyError
from modelseal.lazy_commands import LazyCommands, lazy_app
from modelseal.path_errors import path_errors

__all__ = ["app"]


class _Group(LazyCommands):
    """Turns errors into messages and exit statuses."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - typer hides the type
        # A path may hold characters that the output's encoding lacks: they are printed as escapes.
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            with path_errors():
                return super().invoke(ctx)
        except RemedyError as error:
            typer.echo(f"pinproof: {error}", err=True)
            raise typer.Exit(2) from error


app = lazy_app(
    "pinproof",
    package="pinproof.commands",
    commands=(
        *("check", "explain", "sync", "exclusions", "verify"),
        *("outdated", "audit", "prove", "trial"),
    ),
    help="Checks pins, audits them, and proves that every version they admit answers the same.",
    group=_Group,
)
