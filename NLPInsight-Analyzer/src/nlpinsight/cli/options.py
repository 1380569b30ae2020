"""The options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DataOption",
    "LabelsOption",
    "LengthOption",
    "ModelOption",
    "OutOption",
    "ReportsOption",
    "RevisionOption",
    "SeedOption",
    "ValidOption",
    "VersionOption",
]

ModelOption = Annotated[
    Path, typer.Option("--model", help="Folder of the sealed model.", show_default=True)
]
ReportsOption = Annotated[Path, typer.Option("--reports", help="Folder for evaluation.json.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder to seal into.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Labelled texts: CSV or JSON lines with text and label, or Financial PhraseBank's "
        ".txt; .gz is read, too. Without it, sample data is generated.",
    ),
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="MAP",
        help="Meaning of labels that are numbers, in every file of the command: tfns (0 negative, "
        "1 positive, 2 neutral), ascending (-1, 0, 1 or 0, 1, 2 or 1, 2, 3 for negative, neutral, "
        "positive), or such as 0=negative,1=neutral,2=positive.",
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
