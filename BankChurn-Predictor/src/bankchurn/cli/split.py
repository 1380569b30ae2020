"""``bankchurn split``."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import check_not_input, check_writable, write_file
from servicekit.models import read_own_manifest

from bankchurn.cli import options as opt
from bankchurn.data.table import load_table, write_table
from bankchurn.evaluation.challenge import split_table


def command(
    *,
    data: Annotated[Path, typer.Argument(help="CSV or Parquet table to train on.")],
    model: opt.Model = opt.DEFAULT_MODEL,
    training: Annotated[Path, typer.Option(help="CSV file to write: rows to train on.")],
    held_out: Annotated[
        Path, typer.Option(help="CSV file to write: rows that the model was not trained on.")
    ],
) -> None:
    """Hold out rows of a table that a model was not trained on, about a fifth of the table."""
    with handle_errors():
        manifest = read_own_manifest(model, name="bankchurn")
        for destination in (training, held_out):
            check_not_input(destination, data)
            check_writable(destination)
        kept, out = split_table(load_table(data, for_training=True), manifest)
        write_file(training, write_table(kept))
        write_file(held_out, write_table(out))
    print(f"Held out {len(out):,} of {len(kept) + len(out):,} customers. Wrote {held_out}")
