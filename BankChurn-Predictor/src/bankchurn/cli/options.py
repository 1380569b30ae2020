"""Options and arguments of several commands."""

from pathlib import Path
from typing import Annotated, Final

import typer

DEFAULT_MODEL: Final = Path("models/bankchurn")
DEFAULT_REPORTS: Final = Path("reports/bankchurn")
SAMPLE_ROWS: Final = 10_000
SPARK_ENVIRONMENT: Final = "make spark-env-BankChurn-Predictor"

Model = Annotated[Path, typer.Option("--model", help="Folder of the sealed model.")]
Reports = Annotated[
    Path, typer.Option("--reports", help="Folder for evaluation.json and the plots.")
]
Seed = Annotated[int, typer.Option(min=0, help="Random seed.")]
Output = Annotated[Path, typer.Argument(metavar="OUTPUT", help="File to write: .csv or .parquet.")]
