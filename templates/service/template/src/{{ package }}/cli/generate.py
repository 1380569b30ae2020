"""``{{ package }} generate``."""

import csv
from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import NewFile, write_errors

from {{ package }}.cli import options as opt
from {{ package }}.sample import SAMPLE_ROWS, generate_sample
from {{ package }}.schema import FEATURES, TARGET


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
        records, target = generate_sample(rows, seed=seed)
        with (
            write_errors(destination),
            output.path.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*FEATURES, TARGET])
            for record, label in zip(records, target.tolist(), strict=True):
                writer.writerow([*(getattr(record, name) for name in FEATURES), label])
    print(f"Wrote {rows:,} synthetic transactions to {destination}")
