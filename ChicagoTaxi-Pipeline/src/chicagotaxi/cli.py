"""The command line: generate, fetch, etl, and what is made of their output.

`servicekit.cli_errors` lists the exit codes. The work of each command is in a module of
its own; here are its options and what it prints.
"""

import logging

import typer
from servicekit.console import escape_unencodable

from chicagotaxi.forecast_commands import app as forecast_app
from chicagotaxi.pipeline_commands import app as pipeline_app
from chicagotaxi.run_command import app as run_app
from chicagotaxi.training_commands import app as training_app

__all__ = ["app", "main"]

app = typer.Typer(
    name="chicagotaxi",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Hourly taxi demand in Chicago: from raw trips to a forecast and an API.",
)

app.add_typer(pipeline_app)
app.add_typer(training_app)
app.add_typer(forecast_app)
app.add_typer(run_app)


def main() -> None:
    """Run the command line."""
    escape_unencodable()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    app()
