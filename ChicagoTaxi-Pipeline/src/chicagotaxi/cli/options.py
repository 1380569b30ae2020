"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Final, cast

import typer
from servicekit.spark.options import LOCAL_MASTER, read_settings

from chicagotaxi.etl.engines import EngineName, EngineOptions

DEFAULT_MODEL: Final = Path("models/chicagotaxi")
DEFAULT_REPORTS: Final = Path("reports/chicagotaxi")

OutOption = Annotated[
    Path, typer.Option("--out", help="Folder of the pipeline's trips, hourly demand and status.")
]
ModelOption = Annotated[Path, typer.Option("--model", help="Folder of the sealed model.")]
ReportsOption = Annotated[
    Path, typer.Option("--reports", help="Folder for the report, backtest.json.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Random seed.")]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The pipeline's output folder, or a CSV file of trips by hour and area. Without it, "
        "sample data is generated.",
    ),
]
RowsOption = Annotated[
    int,
    typer.Option(
        min=1000,
        max=10_000_000,
        help="Largest number of rows to train on. If there are more, a sample is drawn.",
    ),
]
StepDaysOption = Annotated[
    int, typer.Option("--step-days", min=1, max=366, help="Days between two forecast origins.")
]
EngineOption = Annotated[str, typer.Option("--engine", help="Query engine: duckdb or pyspark.")]
MaxDroppedOption = Annotated[
    float,
    typer.Option(
        "--max-dropped",
        min=0,
        max=1,
        help="Largest share of the rows that may be dropped. A larger share is an error.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Number of DuckDB's threads. Default: one per core."),
]


def engine_options(
    name: str = "duckdb",
    master: str = LOCAL_MASTER,
    spark: list[str] | None = None,
    *,
    threads: int | None = None,
    memory: str = EngineOptions.memory,
) -> EngineOptions:
    """The engine that a command's options describe.

    Raises:
        DataError: The engine is unknown, or a setting has no value.
    """
    return EngineOptions(
        name=cast("EngineName", name),
        memory=memory,
        threads=threads,
        master=master,
        settings=read_settings(spark),
    )
