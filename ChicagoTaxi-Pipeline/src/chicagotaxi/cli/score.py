"""The command `score`."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.challenges import write_scores
from servicekit.cli_errors import handle_errors
from servicekit.files import check_not_input, check_writable
from servicekit.model_options import Sha256Option, SignersOption

from chicagotaxi.cli.display import notice
from chicagotaxi.cli.options import DEFAULT_MODEL, ModelOption
from chicagotaxi.forecast.challenge import score_days
from chicagotaxi.forecast.sealed_model import SealedForecast
from chicagotaxi.history.read import read_history


def command(
    data: Annotated[
        Path,
        typer.Argument(
            help="The pipeline's output folder, or a CSV file of trips by hour and area."
        ),
    ],
    scores: Annotated[Path, typer.Argument(help="CSV file to write.")],
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Forecast days for a comparison of models: trips, forecasts, areas and the time of answers."""
    with handle_errors():
        check_not_input(scores, data)
        check_writable(scores)
        sealed = SealedForecast.find(model, model_sha256, signer)
        panel, _ = read_history(data, notice=notice)
        rows, cpu_us = score_days(sealed.model(), sealed.opened().manifest, panel)
        write_scores(scores, rows, cpu_us=cpu_us)
    typer.echo(f"Scored {len(set(rows.blocks or ()))} days. Wrote {scores}")
