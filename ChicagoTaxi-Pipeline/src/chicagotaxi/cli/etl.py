"""The command `etl`."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.progress import progress
from servicekit.spark.options import LOCAL_MASTER, MasterOption, SettingsOption

from chicagotaxi.cli.display import notice, show_status
from chicagotaxi.cli.options import (
    EngineOption,
    MaxDroppedOption,
    OutOption,
    ThreadsOption,
    engine_options,
)
from chicagotaxi.etl.run import run_etl
from chicagotaxi.schema import DEFAULT_OUT, MAX_DROPPED


def command(  # noqa: PLR0917 - typer makes options of all of them
    inputs: Annotated[
        list[str],
        typer.Argument(help="CSV (also .gz) and Parquet files of trips, folders and patterns."),
    ],
    out: OutOption = DEFAULT_OUT,
    engine: EngineOption = "duckdb",
    master: MasterOption = LOCAL_MASTER,
    spark: SettingsOption = None,
    memory: Annotated[
        str, typer.Option(help="Memory that DuckDB may use before it writes to disk.")
    ] = "2GB",
    threads: ThreadsOption = None,
    quarantine: Annotated[
        Path | None,
        typer.Option(help="Parquet file for the dropped rows. The inputs are read once more."),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Replace a month even if it would lose more than half of its trips."
        ),
    ] = False,
    max_dropped: MaxDroppedOption = MAX_DROPPED,
) -> None:
    """Clean trips and sum up hourly demand. Replaces the months that the inputs have trips of."""
    with handle_errors(), progress("Pipeline", total=100, unit="%") as advance:
        status = run_etl(
            inputs,
            out,
            engine=engine_options(engine, master, spark, threads=threads, memory=memory),
            quarantine=quarantine,
            replace=replace,
            max_dropped=max_dropped,
            progress=advance,
            notice=notice,
        )
    show_status(status, out)
