"""The commands that forecast: predict, hindcast, and serve what was predicted."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import DataError
from servicekit.model_options import Sha256Option, SignersOption
from tqdm import tqdm

from chicagotaxi.bars import StepBar, notice
from chicagotaxi.options import (
    DEFAULT_MODEL,
    EngineOption,
    MasterOption,
    ModelOption,
    SparkOption,
    ThreadsOption,
    engine_options,
    opened_engine,
)
from chicagotaxi.schema import DEFAULT_OUT

if TYPE_CHECKING:
    from chicagotaxi.panel import Panel

__all__ = ["app"]

# A week is predicted; after as many days none of it is left.
OLD_DAYS: Final = 7

app = typer.Typer()


@app.command()
def predict(  # noqa: PLR0917
    out: Annotated[
        Path, typer.Option("--out", help="The pipeline's output folder: its history is read.")
    ] = DEFAULT_OUT,
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    engine: EngineOption = "duckdb",
    master: MasterOption = "local[*]",
    spark: SparkOption = None,
) -> None:
    """Forecast the week after the history; a running service takes the new batch up by itself."""
    from servicekit.models import check_model  # noqa: PLC0415

    from chicagotaxi.display import show_warnings  # noqa: PLC0415
    from chicagotaxi.file_kinds import check_engine_path  # noqa: PLC0415
    from chicagotaxi.panel import read_hourly  # noqa: PLC0415
    from chicagotaxi.predict import predict as run_predict  # noqa: PLC0415
    from chicagotaxi.report import show_batch  # noqa: PLC0415
    from chicagotaxi.sealed_forecast import SealedForecast  # noqa: PLC0415
    from chicagotaxi.sufficiency import say_what_is_unknown  # noqa: PLC0415
    from chicagotaxi.swap import settled  # noqa: PLC0415

    with handle_errors(), StepBar(3) as progress:
        options = engine_options(engine, master, spark)
        progress("read the history")
        check_model(model)
        check_engine_path(out)
        if not out.is_dir():
            raise DataError(
                f"There is no hourly demand in {out}. Give the folder that `etl` wrote, or run "
                "`etl`."
            )
        with settled(out):
            panel = read_hourly(out)
        say_what_is_unknown(panel, notice)
        _warn_of_age(panel)
        progress("open the model")
        sealed = SealedForecast.find(model, model_sha256, signer)
        progress("forecast a week")
        with opened_engine(options) as opened:
            info = run_predict(opened, sealed, panel, out)
    show_batch(info)
    show_warnings(info)


@app.command()
def hindcast(  # noqa: PLR0917
    destination: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="Folder for the forecasts, as Parquet files.")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="The pipeline's output folder: its history is read.")
    ] = DEFAULT_OUT,
    every: Annotated[int, typer.Option(min=1, help="Hours between two origins.")] = 24,
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    engine: EngineOption = "duckdb",
    master: MasterOption = "local[*]",
    spark: SparkOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Write what would have been forecast from many origins in the past."""
    from time import perf_counter  # noqa: PLC0415

    from servicekit.models import check_model  # noqa: PLC0415

    from chicagotaxi.display import show_warnings  # noqa: PLC0415
    from chicagotaxi.hindcast import hindcast as run_hindcast  # noqa: PLC0415
    from chicagotaxi.hindcast import origins  # noqa: PLC0415
    from chicagotaxi.panel import read_hourly  # noqa: PLC0415
    from chicagotaxi.sealed_forecast import SealedForecast  # noqa: PLC0415
    from chicagotaxi.sufficiency import say_what_is_unknown  # noqa: PLC0415

    with handle_errors():
        options = engine_options(engine, master, spark, threads=threads)
        check_model(model)
        panel = read_hourly(out)
        say_what_is_unknown(panel, notice)
        rows = origins(panel, every, notice=notice)
        sealed = SealedForecast.find(model, model_sha256, signer)
        total = len(rows) * 168 * len(panel.areas)
        with (
            opened_engine(options) as opened,
            tqdm(total=total, unit=" rows", unit_scale=True, file=sys.stderr) as bar,
        ):
            began = perf_counter()
            info = run_hindcast(opened, sealed, panel, rows, destination, progress=bar.update)
            seconds = perf_counter() - began
    typer.echo(
        f"{info.rows:,} predictions from {len(rows):,} origins in {seconds:.2f} s. "
        f"Wrote {destination / info.batch}"
    )
    show_warnings(info)


@app.command()
def serve() -> None:
    """Serve the predictions over HTTP until told to stop, with a map at /.

    Settings are environment variables, such as MODEL_DIR, PREDICTIONS_DIR and PORT; the README
    lists this service's own, that of libs/servicekit the others.
    """
    from servicekit import serve as serve_app  # noqa: PLC0415

    from chicagotaxi.api import create_app  # noqa: PLC0415

    serve_app(create_app())


def _warn_of_age(panel: "Panel") -> None:
    """Say so where every hour that is predicted has passed."""
    from datetime import datetime  # noqa: PLC0415
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    end: datetime = panel.end.astype("datetime64[s]").item()
    days = (datetime.now(ZoneInfo("America/Chicago")).replace(tzinfo=None) - end).days
    if days >= OLD_DAYS:
        notice(
            f"The history ends {days} days ago, at {end:%Y-%m-%d %H:%M}: the week that is "
            "predicted after it has passed. Run `etl` on newer trips."
        )
