"""``{{ package }} score``."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.challenges import write_scores
from servicekit.cli_errors import handle_errors
from servicekit.files import check_not_input, check_writable
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import open_model

from {{ package }}.challenge import score_table
from {{ package }}.cli import options as opt
from {{ package }}.data import load_table
from {{ package }}.model import Predictor
from {{ package }}.schema import TARGET


def command(
    *,
    data: Annotated[Path, typer.Argument(help=f"CSV table with the column {TARGET}.")],
    scores: Annotated[Path, typer.Argument(help="CSV file to write.")],
    model: opt.Model = opt.DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Score rows for a comparison of models: outcomes, outputs, groups and the time of answers."""
    with handle_errors():
        check_not_input(scores, data)
        check_writable(scores)
        opened, predictor = open_model(
            model, model_sha256, signer, name="{{ package }}", kind=Predictor
        )
        rows, cpu_us = score_table(predictor, opened.manifest, load_table(data))
        write_scores(scores, rows, cpu_us=cpu_us)
    print(f"Scored {len(rows.rows):,} transactions. Wrote {scores}")
