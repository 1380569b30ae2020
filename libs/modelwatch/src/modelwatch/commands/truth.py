"""`modelwatch truth`."""

from pathlib import Path
from typing import Annotated

import typer

from modelwatch.commands.shared_options import LogAddress
from modelwatch.reporting.truth import OutcomeFile, store_truth
from modelwatch.store import open_store

__all__ = ["command"]


def command(
    file: Annotated[Path, typer.Argument(help="Outcomes: a CSV or Parquet file.", dir_okay=False)],
    *,
    log: LogAddress,
    id_column: Annotated[
        str, typer.Option("--id", help="Column of the prediction id, unless --key is given.")
    ] = "prediction_id",
    key: Annotated[
        list[str] | None,
        typer.Option(help="Column of a part of the business key; may be repeated."),
    ] = None,
    outcome: Annotated[str, typer.Option(help="Column of the outcome.")] = "outcome",
    number: Annotated[
        bool, typer.Option("--number", help="Reject outcomes that are not finite numbers.")
    ] = False,
    label: Annotated[
        list[str] | None,
        typer.Option(help="Accepted outcome; may be repeated. Others are rejected."),
    ] = None,
) -> None:
    """Store outcomes next to a prediction log, and print how many match it.

    A later file corrects earlier ones. The same file again changes nothing. Outcomes of predictions
    that are not in the log are stored, and match when the prediction arrives.
    """
    outcomes = OutcomeFile(
        path=file,
        key=tuple(key or ()),
        id_column=id_column,
        outcome=outcome,
        number=number,
        labels=tuple(label or ()),
    )
    counts = store_truth(open_store(log), outcomes)
    for name, count in counts._asdict().items():
        typer.echo(f"{name + ':':<13}{count:>12,}")
