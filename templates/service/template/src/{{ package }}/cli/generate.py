"""``{{ package }} generate``."""

from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import NewFile

from {{ package }}.cli import options as opt
from {{ package }}.data import format_table
from {{ package }}.sample import SAMPLE_ROWS, generate_sample


def command(
    *,
    destination: opt.Output,
    rows: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="Number of transactions.")
    ] = SAMPLE_ROWS,
    seed: opt.Seed = 42,
) -> None:
    """Write synthetic transactions, to try things out."""
    with handle_errors(), NewFile(destination) as output:
        output.write(format_table(*generate_sample(rows, seed=seed)))
    print(f"Wrote {rows:,} synthetic transactions to {destination}")
