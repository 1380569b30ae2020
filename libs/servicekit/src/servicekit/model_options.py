"""Options of commands that open a sealed model: its digest and its signers."""

from typing import Annotated

import typer
from modelseal.errors import PublicKeyError
from modelseal.public_keys import parse_public_key


def _check_signers(given: list[str] | None) -> list[str]:
    signers = [key.strip() for text in given or () for key in text.split(",")]
    for signer in signers:
        try:
            parse_public_key(signer)
        except PublicKeyError as error:
            raise typer.BadParameter(str(error)) from error
    return signers


Sha256Option = Annotated[
    str | None,
    typer.Option("--model-sha256", help="SHA-256 that the model's manifest must have."),
]
SignersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--signer",
        metavar="KEY",
        callback=_check_signers,
        help="Public key (ed25519:BASE64) that must have signed the model. Repeat the option or "
        "separate keys by commas to accept any of several.",
    ),
]
