"""Command line of the service: one module for each command, which is imported when it runs."""

import logging

from modelseal.lazy_commands import lazy_app
from servicekit.console import escape_unencodable

__all__ = ["app", "main"]

app = lazy_app(
    "chicagotaxi",
    package="chicagotaxi.cli",
    commands=(
        "generate",
        "fetch",
        "etl",
        "train",
        "backtest",
        "predict",
        "hindcast",
        "outcomes",
        "serve",
        "run",
        "split",
        "score",
    ),
    help="Hourly taxi demand of a city: from raw trips to a forecast and an API.",
)


def main() -> None:
    """Run the command line."""
    escape_unencodable()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    app()
