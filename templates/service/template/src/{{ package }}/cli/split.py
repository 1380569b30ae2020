"""``{{ package }} split``."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import check_not_input, check_writable, write_file
from servicekit.models import read_own_manifest

from {{ package }}.challenge import split_table
from {{ package }}.cli import options as opt
from {{ package }}.data import format_table, load_table
from {{ package }}.features import to_records


def command(
    *,
    data: Annotated[Path, typer.Argument(help="CSV table to train on.")],
    model: opt.Model = opt.DEFAULT_MODEL,
    training: Annotated[Path, typer.Option(help="CSV file to write: rows to train on.")],
    held_out: Annotated[
        Path, typer.Option(help="CSV file to write: rows that the model was not trained on.")
    ],
) -> None:
    """Hold out rows of a table that a model was not trained on, about a fifth of the table."""
    with handle_errors():
        manifest = read_own_manifest(model, name="{{ package }}")
        for destination in (training, held_out):
            check_not_input(destination, data)
            check_writable(destination)
        kept, out = split_table(load_table(data), manifest)
        for destination, part in ((training, kept), (held_out, out)):
            write_file(destination, format_table(to_records(part.values), part.target))
    rows = len(kept.target) + len(out.target)
    print(f"Held out {len(out.target):,} of {rows:,} transactions. Wrote {held_out}")
