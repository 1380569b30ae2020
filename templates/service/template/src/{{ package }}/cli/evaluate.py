"""``{{ package }} evaluate``."""

from pathlib import Path
from typing import Annotated

import typer
from modelseal.path_kinds import printable
from servicekit.cli_errors import handle_errors
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import open_model

from {{ package }}.cli import options as opt
from {{ package }}.data import load_table
from {{ package }}.evaluation import check_folder, evaluate_sealed, write_report
from {{ package }}.model import Predictor
from {{ package }}.schema import TARGET


def command(
    *,
    data: Annotated[Path, typer.Argument(help=f"CSV table with the column {TARGET}.")],
    model: opt.Model = opt.DEFAULT_MODEL,
    reports: opt.Reports = opt.DEFAULT_REPORTS,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Measure a sealed model on a table whose outcomes are known."""
    with handle_errors():
        opened, predictor = open_model(
            model, model_sha256, signer, name="{{ package }}", kind=Predictor
        )
        table = load_table(data)
        check_folder(reports)
        report = evaluate_sealed(predictor, opened.manifest, table, source=printable(data.name))
        written = write_report(report, reports)
    opt.show_report(report)
    print(f"\nWrote {written}")
