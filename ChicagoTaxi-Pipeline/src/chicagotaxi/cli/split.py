"""The command `split`."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import check_not_input, check_writable, write_file
from servicekit.models import read_own_manifest

from chicagotaxi.cli.display import notice
from chicagotaxi.cli.options import DEFAULT_MODEL, ModelOption
from chicagotaxi.forecast.challenge import split_history
from chicagotaxi.history.counts import write_counts
from chicagotaxi.history.read import read_history


def command(
    data: Annotated[
        Path,
        typer.Argument(
            help="The pipeline's output folder, or a CSV file of trips by hour and area."
        ),
    ],
    training: Annotated[Path, typer.Option(help="CSV file to write: the hours to train on.")],
    held_out: Annotated[
        Path,
        typer.Option(help="CSV file to write: later days, with the weeks that forecasts use."),
    ],
    model: ModelOption = DEFAULT_MODEL,
) -> None:
    """Hold out the last days of a history, which a model was not trained on."""
    with handle_errors():
        manifest = read_own_manifest(model, name="chicagotaxi")
        for destination in (training, held_out):
            check_not_input(destination, data)
            check_writable(destination)
        panel, _ = read_history(data, notice=notice)
        before, after = split_history(panel, manifest)
        write_file(training, write_counts(before))
        write_file(held_out, write_counts(after))
    typer.echo(f"Held out the days from {before.end} on. Wrote {held_out}")
