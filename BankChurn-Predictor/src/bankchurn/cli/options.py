"""Options and arguments of several commands."""

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = [
    "DEFAULT_MODEL",
    "DEFAULT_REPORTS",
    "SAMPLE_ROWS",
    "ModelOption",
    "OutputArgument",
    "ReportsOption",
    "SeedOption",
]

DEFAULT_MODEL: Final = Path("models/bankchurn")
DEFAULT_REPORTS: Final = Path("reports/bankchurn")
SAMPLE_ROWS: Final = 10_000

ModelOption = Annotated[Path, typer.Option("--model", help="Folder of the sealed model.")]
ReportsOption = Annotated[
    Path, typer.Option("--reports", help="Folder for evaluation.json and the plots.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Random seed.")]
OutputArgument = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="File to write: .csv or .parquet.")
]
