"""The commands that follow the pipeline: train, backtest, predict, hindcast, serve."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from servicekit.exits import exits
from servicekit.files import DataError
from tqdm import tqdm

from chicagotaxi.bars import StepBar, notice
from chicagotaxi.options import (
    DEFAULT_MODEL,
    DEFAULT_REPORTS,
    EngineOption,
    MasterOption,
    ModelOption,
    ReportsOption,
    SeedOption,
    Sha256Option,
    SparkOption,
    ThreadsOption,
    engine_options,
    opened_engine,
)
from chicagotaxi.schema import DEFAULT_OUT

if TYPE_CHECKING:
    from chicagotaxi.history import History
    from chicagotaxi.metrics import BacktestReport
    from chicagotaxi.panel import Panel

__all__ = ["SAMPLE_TRIPS", "app"]

SAMPLE_TRIPS: Final = 1_500_000
# A week is predicted; after as many days none of it is left.
OLD_DAYS: Final = 7

app = typer.Typer()

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The pipeline's output folder, or a CSV file of trips by hour and area. Without it, "
        "sample data is generated.",
    ),
]
RowsOption = Annotated[
    int, typer.Option(min=1000, max=10_000_000, help="The most rows to train on.")
]
StepOption = Annotated[int, typer.Option("--step-days", min=1, max=366, help="Between origins.")]


@app.command()
def train(  # noqa: PLR0917 - typer makes options of all of them
    data: DataOption = None,
    out: Annotated[Path, typer.Option("--out", help="Folder to seal into.")] = DEFAULT_MODEL,
    reports: ReportsOption = DEFAULT_REPORTS,
    seed: SeedOption = 42,
    rows: RowsOption = 200_000,
    folds: Annotated[int, typer.Option(min=1, max=52, help="Origins of the back-test.")] = 2,
    step_days: StepOption = 7,
    model_version: Annotated[
        str | None,
        typer.Option("--model-version", help="Name of this model. Derived where not given."),
    ] = None,
) -> None:
    """Back-test on the last weeks, train on everything, seal the model, write the report."""
    from servicekit.models import check_places  # noqa: PLC0415

    from chicagotaxi import train as training  # noqa: PLC0415 - --help need not wait for numpy
    from chicagotaxi.backtest import BacktestOptions  # noqa: PLC0415
    from chicagotaxi.forecast import ForecastOptions  # noqa: PLC0415
    from chicagotaxi.report import check_folder, show_report, write_report  # noqa: PLC0415
    from chicagotaxi.sufficiency import say_what_is_unknown  # noqa: PLC0415

    origins = BacktestOptions(folds=folds, step_days=step_days)
    with exits(), StepBar(training.train_steps(origins) + 2) as progress:
        progress("read the history")
        panel, about = _history(data, seed)
        say_what_is_unknown(panel, notice)
        check_places(out, reports, check_folder)
        trained = training.train(
            panel,
            about=about,
            options=ForecastOptions(seed=seed, rows=rows),
            folds=origins,
            progress=progress,
            version_override=model_version,
        )
        manifest = training.seal(trained, out, progress=progress)
        progress("write the report")
        written = write_report(trained.report, reports)
    show_report(trained.report)
    _say_left_out(trained.report, folds)
    typer.echo(f"\nSealed {manifest.name} {manifest.version} in {out}\nWrote {written}")


@app.command()
def backtest(  # noqa: PLR0917
    data: DataOption = None,
    reports: ReportsOption = DEFAULT_REPORTS,
    name: Annotated[str, typer.Option("--name", help="Of the report's file.")] = "backtest.json",
    seed: SeedOption = 42,
    rows: RowsOption = 200_000,
    folds: Annotated[int, typer.Option(min=1, max=366, help="How many origins.")] = 4,
    step_days: StepOption = 7,
) -> None:
    """Forecast from many origins in the past, beside the baselines. Seals nothing."""
    from chicagotaxi.backtest import BacktestOptions, backtest_steps, describe  # noqa: PLC0415
    from chicagotaxi.backtest import backtest as run_backtest  # noqa: PLC0415
    from chicagotaxi.forecast import ForecastOptions  # noqa: PLC0415
    from chicagotaxi.report import check_folder, show_report, write_report  # noqa: PLC0415
    from chicagotaxi.sufficiency import check_to_train, say_what_is_unknown  # noqa: PLC0415

    origins = BacktestOptions(folds=folds, step_days=step_days)
    with exits(), StepBar(backtest_steps(origins) + 2) as progress:
        progress("read the history")
        panel, about = _history(data, seed)
        say_what_is_unknown(panel, notice)
        check_to_train(panel)
        check_folder(reports)
        report = run_backtest(
            panel,
            origins,
            ForecastOptions(seed=seed, rows=rows),
            data=describe(panel, about),
            progress=progress,
        )
        progress("write the report")
        written = write_report(report, reports, name)
    show_report(report)
    _say_left_out(report, folds)
    typer.echo(f"\nWrote {written}")


@app.command()
def predict(  # noqa: PLR0917
    out: Annotated[
        Path, typer.Option("--out", help="The pipeline's output folder: its history is read.")
    ] = DEFAULT_OUT,
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    engine: EngineOption = "duckdb",
    master: MasterOption = "local[*]",
    spark: SparkOption = None,
) -> None:
    """Forecast the week after the history; a running service takes the new batch up by itself."""
    from chicagotaxi.display import show_warnings  # noqa: PLC0415
    from chicagotaxi.panel import read_hourly  # noqa: PLC0415
    from chicagotaxi.predict import predict as run_predict  # noqa: PLC0415
    from chicagotaxi.report import show_batch  # noqa: PLC0415
    from chicagotaxi.sealed_forecast import SealedForecast  # noqa: PLC0415
    from chicagotaxi.sufficiency import say_what_is_unknown  # noqa: PLC0415
    from chicagotaxi.swap import settled  # noqa: PLC0415

    with exits(), StepBar(3) as progress:
        options = engine_options(engine, master, spark)
        progress("read the history")
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
        sealed = SealedForecast.find(model, model_sha256)
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
    engine: EngineOption = "duckdb",
    master: MasterOption = "local[*]",
    spark: SparkOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Write what would have been forecast from many origins in the past."""
    from time import perf_counter  # noqa: PLC0415

    from chicagotaxi.display import show_warnings  # noqa: PLC0415
    from chicagotaxi.hindcast import hindcast as run_hindcast  # noqa: PLC0415
    from chicagotaxi.hindcast import origins  # noqa: PLC0415
    from chicagotaxi.panel import read_hourly  # noqa: PLC0415
    from chicagotaxi.sealed_forecast import SealedForecast  # noqa: PLC0415
    from chicagotaxi.sufficiency import say_what_is_unknown  # noqa: PLC0415

    with exits():
        options = engine_options(engine, master, spark, threads=threads)
        panel = read_hourly(out)
        say_what_is_unknown(panel, notice)
        rows = origins(panel, every, notice=notice)
        sealed = SealedForecast.find(model, model_sha256)
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


def _history(data: Path | None, seed: int) -> "History":
    from chicagotaxi.history import read_history, sample_history  # noqa: PLC0415
    from chicagotaxi.sample import SampleOptions  # noqa: PLC0415

    if data is not None:
        return read_history(data, notice=notice)
    sample = SampleOptions(SAMPLE_TRIPS, seed=seed)
    return sample_history(sample.rows, seed=seed, first=sample.first, days=sample.days)


def _say_left_out(report: "BacktestReport", folds: int) -> None:
    """Say how many origins of a back-test are not in its figures."""
    if left_out := folds - len(report.folds):
        notice(
            f"Left out {left_out} of {folds} origins: no hour of the week after them is known "
            "whose last week is known, too."
        )


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
