"""Options that several commands have, and the engine that they ask for."""

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer
from servicekit.files import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chicagotaxi.etl.engines import Engine, EngineName, EngineOptions

DEFAULT_MODEL: Final = Path("models/chicagotaxi")
DEFAULT_REPORTS: Final = Path("reports/chicagotaxi")

ModelOption = Annotated[Path, typer.Option("--model", help="Folder of the sealed model.")]
ReportsOption = Annotated[Path, typer.Option("--reports", help="Folder for backtest.json.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of every random choice.")]

EngineOption = Annotated[
    str, typer.Option("--engine", help="What does the work: duckdb or pyspark.")
]
MasterOption = Annotated[str, typer.Option("--master", help="Of the Spark cluster.")]
SparkOption = Annotated[
    list[str] | None,
    typer.Option("--spark", metavar="NAME=VALUE", help="A further setting of Spark."),
]
MaxDroppedOption = Annotated[
    float,
    typer.Option(
        "--max-dropped",
        min=0,
        max=1,
        help="Largest share of the rows that may be dropped; more is an error.",
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Without Spark. One per core where not given."),
]


def engine_options(
    name: str = "duckdb",
    master: str = "local[*]",
    spark: list[str] | None = None,
    *,
    threads: int | None = None,
    memory: str | None = None,
) -> "EngineOptions":
    """The engine that a command asks for.

    Raises:
        DataError: There is no such engine, or a setting is none.
    """
    from chicagotaxi.etl.engines import EngineOptions  # noqa: PLC0415 - --help need not wait for ibis

    options = EngineOptions(
        name=cast("EngineName", name),
        threads=threads,
        master=master,
        settings=_settings(spark or []),
    )
    return options if memory is None else replace(options, memory=memory)


@contextmanager
def opened_engine(options: "EngineOptions") -> "Iterator[Engine]":
    """Start the engine, with a folder of its own for what does not fit into memory.

    Raises:
        DataError: It cannot be started; the message says what to install.
    """
    from chicagotaxi.etl.engines import open_engine  # noqa: PLC0415

    with (
        tempfile.TemporaryDirectory(prefix="chicagotaxi-") as folder,
        open_engine(options, temporary=Path(folder)) as engine,
    ):
        yield engine


def _settings(given: list[str]) -> dict[str, str]:
    settings = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise DataError(f"--spark {one}: give a setting as NAME=VALUE.")
        settings[name] = value
    return settings
