"""The command line. A command is a module of `pinproof.commands`."""

import sys
from io import TextIOWrapper
from typing import Any

import typer
from modelseal.errors import RemedyError
from modelseal.lazy_commands import LazyCommands, lazy_app
from modelseal.path_errors import path_errors


class _Group(LazyCommands):
    """Prints errors, and turns them into exit statuses."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - typer hides the type
        # Paths may contain characters that the encoding of the output lacks.
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
    help="Check and audit pins, and prove that all versions they admit predict the same.",
    group=_Group,
)
