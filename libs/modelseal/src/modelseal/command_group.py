"""The command group of both libraries: it converts errors to messages and exit statuses."""

import sys
from io import TextIOWrapper
from typing import Any

import typer

from modelseal.errors import RemedyError, SealedModelError, UnreachableError
from modelseal.lazy_commands import LazyCommands
from modelseal.path_errors import path_errors


class CommandGroup(LazyCommands):
    """Ends a command with 1 if a model is refused, 75 if a bucket does not answer, else with 2."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - typer hides the type
        """Run a command, and print its error.

        Raises:
            typer.Exit: The command failed.
        """
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
            typer.echo(f"{self.name}: {error}", err=True)
            # EX_TEMPFAIL of sysexits.h: the caller may try again.
            raise typer.Exit(75 if isinstance(error, UnreachableError) else 2) from error
