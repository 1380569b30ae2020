"""The command `hindcast`."""

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import check_model
from servicekit.progress import progress
from servicekit.spark.options import LOCAL_MASTER, MasterOption, SettingsOption

from chicagotaxi.batch.hindcast import find_origins, hindcast
from chicagotaxi.cli.display import notice, show_warnings
from chicagotaxi.cli.options import (
    DEFAULT_MODEL,
    EngineOption,
    ModelOption,
    OutOption,
    ThreadsOption,
    engine_options,
)
from chicagotaxi.etl.engines import open_engine
from chicagotaxi.forecast.features import HORIZON
from chicagotaxi.forecast.sealed_model import SealedForecast
from chicagotaxi.forecast.sufficiency import notice_unknown_hours
from chicagotaxi.history.panel import read_hourly
from chicagotaxi.schema import DEFAULT_OUT


def command(  # noqa: PLR0917 - typer makes options of all of them
    destination: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="Folder for the forecasts, as Parquet files.")
    ],
    out: OutOption = DEFAULT_OUT,
    every: Annotated[int, typer.Option(min=1, help="Hours between two forecast origins.")] = 24,
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    engine: EngineOption = "duckdb",
    master: MasterOption = LOCAL_MASTER,
    spark: SettingsOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Write the forecasts that would have been made from many origins in the past."""
    with handle_errors():
        options = engine_options(engine, master, spark, threads=threads)
        check_model(model)
        panel = read_hourly(out)
        notice_unknown_hours(panel, notice)
        rows = find_origins(panel, every, notice=notice)
        sealed = SealedForecast.find(model, model_sha256, signer)
        total = len(rows) * HORIZON * len(panel.areas)
        with (
            open_engine(options) as opened,
            progress("Hindcast", total=total, unit="rows") as advance,
        ):
            began = perf_counter()
            info = hindcast(opened, sealed, panel, rows, destination, progress=advance)
            seconds = perf_counter() - began
    typer.echo(
        f"{info.rows:,} predictions from {len(rows):,} origins in {seconds:.2f} s. "
        f"Wrote {destination / info.batch}"
    )
    show_warnings(info)
