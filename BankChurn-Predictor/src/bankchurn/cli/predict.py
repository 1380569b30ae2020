"""``bankchurn predict``."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.answer_warnings import WARNINGS
from servicekit.cli_errors import handle_errors
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import open_model
from servicekit.progress import progress

from bankchurn.batch import check_output, predict_file
from bankchurn.cli import options as opt
from bankchurn.data.table_files import count_rows
from bankchurn.evaluation.evaluation import unknown_notices
from bankchurn.model.predictor import ChurnPredictor


def command(
    *,
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="CSV or Parquet table of customers.")
    ],
    destination: opt.Output,
    model: opt.Model = opt.DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Score a file of customers. Writes the whole output or, if any row is invalid, nothing."""
    with handle_errors():
        # Cheap checks first, before a model is loaded.
        total = count_rows(source)
        check_output(source, destination)
        opened, predictor = open_model(
            model, model_sha256, signer, name="bankchurn", kind=ChurnPredictor
        )
        with progress("Scoring", total=total, unit="customers") as advance:
            summary = predict_file(predictor, source, destination, advance=advance)
    print(
        f"Scored {summary.customers:,} customers with {opened.manifest.version}: "
        f"{summary.predicted_churn:,} predicted to leave. Wrote {destination}"
    )
    for sentence in unknown_notices(summary.unknown):
        print(sentence)
    if summary.marked:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary.warnings.items())
        print(
            f"{summary.marked:,} answers are marked in the column {WARNINGS}, because the customer "
            f"is outside the training data: {kinds}"
        )
