"""Arguments and options that several commands have."""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from modelseal.manifest import MANIFEST_NAME
from modelseal.path_kinds import kind_of

__all__ = ["Format", "ModelFolder", "Patience", "Sha256", "Signers", "split_signers"]


def _check_folder(folder: Path) -> Path:
    # A missing folder, or one without a model, is refused when it is read.
    kind_of(folder / MANIFEST_NAME)
    return folder


ModelFolder = Annotated[
    Path, typer.Argument(help="Folder of the sealed model.", callback=_check_folder)
]

Format = Annotated[
    Literal["text", "json"], typer.Option("--format", help="Output format: text or json.")
]

Sha256 = Annotated[str | None, typer.Option(help="SHA-256 that manifest.json must have.")]

Patience = Annotated[
    float,
    typer.Option("--patience", min=0, help="Longest time to retry without progress, in seconds."),
]

Signers = Annotated[
    list[str] | None,
    typer.Option(
        "--signer",
        envvar="MODEL_SIGNERS",
        help="Public key that must have signed the model, ed25519:BASE64. Repeat the option, or "
        "separate keys with commas, to accept any of several.",
    ),
]


def split_signers(values: list[str] | None) -> list[str]:
    """The keys in one or several options, or in the environment variable.

    An empty option counts as one key, so that it is refused and not ignored.
    """
    # typer has already split the variable at spaces.
    return [key for text in values or () for key in re.split(r"[,\s]+", text.strip(", \t\n"))]
