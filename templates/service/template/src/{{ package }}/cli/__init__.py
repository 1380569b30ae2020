"""The command line: one module for each command.

`servicekit.cli_errors` lists the exit codes.
"""

import logging

from modelseal.lazy_commands import lazy_app
from servicekit.console import escape_unencodable

__all__ = ["app", "main"]

app = lazy_app(
    "{{ package }}",
    package=__name__,
    commands=("train", "evaluate", "predict", "serve", "generate", "split", "score"),
    help="Probability that a transaction is disputed.",
)


def main() -> None:
    """Run the command line."""
    escape_unencodable()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    app()
