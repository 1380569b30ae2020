"""The command line: one module for each command.

`servicekit.cli_errors` lists the exit codes. The sealed model names the back end that evaluates,
predicts, explains and serves.
"""

import logging

from modelseal.lazy_commands import lazy_app
from servicekit.console import escape_unencodable

__all__ = ["app", "main"]

app = lazy_app(
    "nlpinsight",
    package=__name__,
    commands=(
        *("train", "cross-validate", "export", "evaluate", "predict", "explain", "serve"),
        *("generate", "split", "score"),
    ),
    help="The labels of texts, such as the sentiment of financial headlines.",
)


def main() -> None:
    """Run the command line."""
    escape_unencodable()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    app()
