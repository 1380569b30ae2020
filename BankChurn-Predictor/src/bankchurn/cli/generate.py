"""``bankchurn generate``."""

from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors

from bankchurn.cli import options as opt
from bankchurn.data.table_files import TableWriter
from bankchurn.sample import generate_sample


def command(
    *,
    destination: opt.Output,
    rows: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="Number of customers.")
    ] = opt.SAMPLE_ROWS,
    seed: opt.Seed = 42,
    blank_share: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of unknown values in columns that may have them."),
    ] = 0.09,
) -> None:
    """Write synthetic customers in the form of the real table, to try things out."""
    with handle_errors(), TableWriter(destination) as writer:
        writer.write_rows(generate_sample(rows, seed=seed, blank_share=blank_share))
    print(f"Wrote {rows:,} synthetic customers to {destination}")
