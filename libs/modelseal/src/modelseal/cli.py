"""The command line. Each command is a module of `modelseal.commands`."""

import sys
from io import TextIOWrapper
from typing import Any

import typer

from modelseal.errors import RemedyError, SealedModelError, UnreachableError
from modelseal.lazy_commands import LazyCommands, lazy_app
from modelseal.path_errors import path_errors

__all__ = ["app"]


class _Group(LazyCommands):
    """Converts errors to messages and exit statuses."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - typer hides the type
        # Prints characters of a path that the output encoding cannot represent as escapes.
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            with path_errors():
                return super().invoke(ctx)
        except SealedModelError as refusal:
            typer.echo(f"Refused ({refusal.code}): {refusal}", err=True)
            raise typer.Exit(1) from refusal
        except RemedyError as error:
            typer.echo(f"modelseal: {error}", err=True)
            # EX_TEMPFAIL of sysexits.h: the caller may try again.
            raise typer.Exit(75 if isinstance(error, UnreachableError) else 2) from error


app = lazy_app(
    "modelseal",
    package="modelseal.commands",
    commands=("seal", "open", "show", "sign", "push", "fetch"),
    help="Seal models, sign and deliver them, and open only those whose predictions are unchanged.",
    group=_Group,
)
