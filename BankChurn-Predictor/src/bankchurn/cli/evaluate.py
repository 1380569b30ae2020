"""``bankchurn evaluate``."""

from pathlib import Path
from typing import Annotated

import typer
from modelseal.path_kinds import printable
from servicekit.cli_errors import handle_errors
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import open_model

from bankchurn.cli import options as opt
from bankchurn.cli.display import show_ignored, show_report, show_written
from bankchurn.data.table import ignored_columns, load_table
from bankchurn.evaluation.evaluation import evaluate_sealed
from bankchurn.model.predictor import ChurnPredictor
from bankchurn.report import check_folder, write_report
from bankchurn.schema import TARGET


def command(
    *,
    data: Annotated[Path, typer.Argument(help=f"CSV or Parquet table with the column {TARGET}.")],
    model: opt.Model = opt.DEFAULT_MODEL,
    reports: opt.Reports = opt.DEFAULT_REPORTS,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Measure a sealed model on a table whose outcomes are known."""
    with handle_errors():
        opened, predictor = open_model(
            model, model_sha256, signer, name="bankchurn", kind=ChurnPredictor
        )
        table, ignored = load_table(data), ignored_columns(data)
        check_folder(reports)
        report = evaluate_sealed(predictor, opened.manifest, table, source=printable(data.name))
        written = write_report(report, reports)
    show_report(report)
    show_ignored(ignored)
    print()
    show_written(written)
