"""Options of several commands."""

import re
from typing import Annotated

import typer

__all__ = ["Signers", "split_signers"]

Signers = Annotated[
    list[str] | None,
    typer.Option(
        "--signer",
        envvar="MODEL_SIGNERS",
        help="A public key, ed25519:BASE64, that must have signed the model. Of several, given "
        "again or separated by commas, one must have.",
    ),
]


def split_signers(given: list[str] | None) -> list[str]:
    """The keys that were given as one option, as several, or in the environment.

    An option without a key is one key, which is refused: what was to be verified is not known.
    """
    # The variable's value has been split where it has spaces.
    return [key for text in given or () for key in re.split(r"[,\s]+", text.strip(", \t\n"))]
