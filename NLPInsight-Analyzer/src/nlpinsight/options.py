"""The options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DataOption",
    "LengthOption",
    "ModelOption",
    "OutOption",
    "ReportsOption",
    "RevisionOption",
    "SeedOption",
    "Sha256Option",
    "ValidOption",
    "VersionOption",
]

ModelOption = Annotated[
    Path, typer.Option("--model", help="Folder of the sealed model.", show_default=True)
]
Sha256Option = Annotated[
    str | None,
    typer.Option("--model-sha256", help="SHA-256 that the model's manifest must have."),
]
ReportsOption = Annotated[Path, typer.Option("--reports", help="Folder for evaluation.json.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder to seal into.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Labelled texts: CSV or JSON lines with text and label, or Financial PhraseBank's "
        ".txt. Without it, sample data is generated.",
    ),
]
ValidOption = Annotated[
    Path | None,
    typer.Option("--valid", help="Labelled texts to measure on. Without it, a fifth of the data."),
]
SeedOption = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of every random choice.")]
VersionOption = Annotated[
    str | None,
    typer.Option("--model-version", help="Name of this model. Derived where not given."),
]
RevisionOption = Annotated[
    str | None,
    typer.Option(help="The commit to take of a model on the hub, with all its 40 digits."),
]
LengthOption = Annotated[int, typer.Option(min=8, max=512, help="Tokens that are read of a text.")]
