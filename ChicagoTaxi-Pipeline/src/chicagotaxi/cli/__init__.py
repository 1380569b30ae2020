"""The command line: generate, fetch, etl, and what is made of their output.

What the exit codes mean is said in `servicekit.exits`. The work of each command is in a module of
its own; here are its options and what it prints.
"""

import logging

import typer
from servicekit.console import print_anywhere

from chicagotaxi.cli.forecast_commands import app as forecast_app
from chicagotaxi.cli.pipeline_commands import app as pipeline_app
from chicagotaxi.cli.run_command import app as run_app
from chicagotaxi.cli.training_commands import app as training_app

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
    print_anywhere()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    app()
