"""``{{ package }} predict``."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.answer_warnings import WARNINGS
from servicekit.cli_errors import handle_errors
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import open_model
from servicekit.progress import progress

from {{ package }}.batch import check_output, predict_file
from {{ package }}.cli import options as opt
from {{ package }}.data import TABLES
from {{ package }}.model import Predictor


def command(
    *,
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="CSV table of transactions.")],
    destination: opt.Output,
    model: opt.Model = opt.DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Score a file. Writes the whole output or, if any row is invalid, nothing."""
    with handle_errors():
        # Cheap checks first, before a model is loaded.
        with TABLES.open(source):
            check_output(source, destination)
        opened, predictor = open_model(
            model, model_sha256, signer, name="{{ package }}", kind=Predictor
        )
        with progress("Scoring", unit="transactions") as advance:
            summary = predict_file(predictor, source, destination, advance=advance)
    print(
        f"Scored {summary.rows:,} transactions with {opened.manifest.version}: "
        f"{summary.predicted:,} predicted as disputed. Wrote {destination}"
    )
    if summary.marked:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary.warnings.items())
        print(
            f"{summary.marked:,} answers are marked in the column {WARNINGS}, because the "
            f"transaction is outside the training data: {kinds}"
        )
