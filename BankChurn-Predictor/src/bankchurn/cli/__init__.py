"""The command line: one module for each command.

`servicekit.exits` lists the exit codes.
"""

import logging

from modelseal.lazy_commands import lazy_app
from servicekit.console import print_anywhere

__all__ = ["app", "main"]

app = lazy_app(
    "bankchurn",
    package=__name__,
    commands=("train", "evaluate", "predict", "explain", "serve", "generate"),
    help="Churn probability of a bank's customers, with exact explanations.",
)


def main() -> None:
    """Run the command line."""
    print_anywhere()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    app()
