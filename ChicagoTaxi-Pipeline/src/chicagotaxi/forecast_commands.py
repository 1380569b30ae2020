"""The commands that follow the pipeline: train, backtest, predict, serve, and run all of it."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer
from servicekit.exits import exits
from servicekit.files import DataError
from tqdm import tqdm

from chicagotaxi.schema import DEFAULT_OUT

if TYPE_CHECKING:
    from pinproof import OpenedModel

    from chicagotaxi.forecast import Progress
    from chicagotaxi.history import History
    from chicagotaxi.model import DemandForecaster
    from chicagotaxi.panel import Panel

__all__ = ["SAMPLE_TRIPS", "app"]

DEFAULT_MODEL: Final = Path("models/chicagotaxi")
DEFAULT_REPORTS: Final = Path("reports/chicagotaxi")
SAMPLE_TRIPS: Final = 1_500_000
# By its name the status tells a sample from real trips.
SAMPLE_FILE: Final = "chicagotaxi-sample.parquet"
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
ModelOption = Annotated[Path, typer.Option("--model", help="Folder of the sealed model.")]
Sha256Option = Annotated[
    str | None,
    typer.Option("--model-sha256", help="SHA-256 that the model's manifest must have."),
]
ReportsOption = Annotated[Path, typer.Option("--reports", help="Folder for backtest.json.")]
SeedOption = Annotated[int, typer.Option(min=0, help="Of every random choice.")]
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

    origins = BacktestOptions(folds=folds, step_days=step_days)
    with exits(), _bar(training.train_steps(origins) + 2) as progress:
        progress("read the history")
        panel, about = _history(data, seed)
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

    origins = BacktestOptions(folds=folds, step_days=step_days)
    with exits(), _bar(backtest_steps(origins) + 2) as progress:
        progress("read the history")
        panel, about = _history(data, seed)
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
    typer.echo(f"\nWrote {written}")


@app.command()
def predict(
    out: Annotated[
        Path, typer.Option("--out", help="The pipeline's output folder: its history is read.")
    ] = DEFAULT_OUT,
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
) -> None:
    """Forecast the week after the history; a running service takes the new batch up by itself."""
    from chicagotaxi.panel import read_hourly  # noqa: PLC0415
    from chicagotaxi.predict import predict as run_predict  # noqa: PLC0415
    from chicagotaxi.report import show_batch  # noqa: PLC0415
    from chicagotaxi.swap import settled  # noqa: PLC0415

    with exits(), _bar(3) as progress:
        progress("read the history")
        if not out.is_dir():
            raise DataError(
                f"There is no hourly demand in {out}. Give the folder that `etl` wrote, or run "
                "`etl`."
            )
        with settled(out):
            panel = read_hourly(out)
        _warn_of_age(panel)
        progress("open the model")
        opened, _ = _open(model, model_sha256)
        progress("forecast a week")
        info = run_predict(opened, panel, out)
    show_batch(info)


@app.command()
def hindcast(
    destination: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Parquet file to write.")],
    out: Annotated[
        Path, typer.Option("--out", help="The pipeline's output folder: its history is read.")
    ] = DEFAULT_OUT,
    every: Annotated[int, typer.Option(min=1, help="Hours between two origins.")] = 24,
    model: ModelOption = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
) -> None:
    """Write what would have been forecast from many origins in the past."""
    from time import perf_counter  # noqa: PLC0415

    from chicagotaxi.hindcast import hindcast as run_hindcast  # noqa: PLC0415
    from chicagotaxi.hindcast import origins  # noqa: PLC0415
    from chicagotaxi.panel import read_hourly  # noqa: PLC0415

    with exits():
        panel = read_hourly(out)
        rows = origins(panel, every)
        _, forecaster = _open(model, model_sha256)
        total = len(rows) * 168 * len(panel.areas)
        with tqdm(total=total, unit=" rows", unit_scale=True, file=sys.stderr) as bar:
            began = perf_counter()
            written = run_hindcast(forecaster.model, panel, rows, destination, progress=bar.update)
            seconds = perf_counter() - began
    typer.echo(
        f"{written.rows:,} predictions from {written.origins:,} origins in {seconds:.2f} s. "
        f"Wrote {destination}"
    )


@app.command()
def serve() -> None:
    """Serve the predictions over HTTP until told to stop, with a map at /.

    Settings are environment variables, such as MODEL_DIR, PREDICTIONS_DIR and PORT; the README
    lists this service's own, that of libs/servicekit the others.
    """
    from servicekit import serve as serve_app  # noqa: PLC0415

    from chicagotaxi.api import create_app  # noqa: PLC0415

    serve_app(create_app())


@app.command()
def run(  # noqa: PLR0917
    inputs: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders or patterns of trips. Without any, a sample is made."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The pipeline's output folder.")] = DEFAULT_OUT,
    model: Annotated[
        Path,
        typer.Option(
            "--model", help="Folder of the sealed model. Where there is none, one is trained."
        ),
    ] = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    reports: ReportsOption = DEFAULT_REPORTS,
    engine: Annotated[
        Literal["duckdb", "pyspark"], typer.Option("--engine", help="What computes the pipeline.")
    ] = "duckdb",
    master: Annotated[
        str, typer.Option("--master", help="Of the Spark cluster, for pyspark.")
    ] = "local[*]",
    seed: SeedOption = 42,
    sample_trips: Annotated[
        int, typer.Option(min=10_000, max=100_000_000, help="Size of the sample.")
    ] = SAMPLE_TRIPS,
) -> None:
    """Do all of it: clean trips, hourly demand, a model if there is none, a week's predictions."""
    from chicagotaxi.panel import read_hourly  # noqa: PLC0415
    from chicagotaxi.predict import predict as run_predict  # noqa: PLC0415
    from chicagotaxi.report import show_batch  # noqa: PLC0415

    with exits(), tempfile.TemporaryDirectory(prefix="chicagotaxi-") as folder:
        sources: list[str | Path] = list(inputs or ())
        # A model that is refused is no reason to spend minutes first.
        there = (model / "manifest.json").exists()
        if there:
            _open(model, model_sha256)
        if not sources:
            _check_sample(out)
            sources = [_sample_file(Path(folder), sample_trips, seed)]
        _etl(sources, out, engine=engine, master=master)
        if not there:
            train(data=out, out=model, reports=reports, seed=seed)
        opened, _ = _open(model, model_sha256)
        info = run_predict(opened, read_hourly(out), out)
    show_batch(info)


def _history(data: Path | None, seed: int) -> "History":
    from chicagotaxi.history import read_history, sample_history  # noqa: PLC0415
    from chicagotaxi.sample import SampleOptions  # noqa: PLC0415

    if data is not None:
        return read_history(data)
    sample = SampleOptions(SAMPLE_TRIPS, seed=seed)
    return sample_history(sample.rows, seed=seed, first=sample.first, days=sample.days)


def _sample_file(folder: Path, trips: int, seed: int) -> Path:
    from chicagotaxi.sample import SampleOptions  # noqa: PLC0415
    from chicagotaxi.sample_files import write_sample  # noqa: PLC0415

    path = folder / SAMPLE_FILE
    with tqdm(total=trips, unit=" trips", unit_scale=True, file=sys.stderr, desc="sample") as bar:
        write_sample(path, SampleOptions(trips, seed=seed), progress=bar.update)
    return path


def _etl(
    sources: list[str | Path], out: Path, *, engine: Literal["duckdb", "pyspark"], master: str
) -> None:
    from chicagotaxi.etl import EngineOptions, run_etl  # noqa: PLC0415

    options = EngineOptions(name=engine, master=master)
    with tqdm(total=100, unit=" %", file=sys.stderr) as bar:

        def progress(step: str, share: float) -> None:
            if step != bar.desc.removesuffix(": "):
                bar.set_description(step)
            bar.update(round(100 * share) - bar.n)

        status = run_etl(
            sources,
            out,
            engine=options,
            progress=progress,
            notice=lambda text: tqdm.write(text, file=sys.stderr),
        )
    typer.echo(
        f"{status.rows_read:,} trips read, {status.rows_kept:,} kept; {status.hours:,} hours, "
        f"{status.first_hour} to {status.last_hour}"
    )


def _bar(total: int) -> "_Bar":
    return _Bar(total)


class _Bar:
    """A progress bar that is told what begins."""

    def __init__(self, total: int) -> None:
        self._bar = tqdm(total=total, unit="step", file=sys.stderr)
        self._begun = False

    def __enter__(self) -> "Progress":
        def progress(step: str) -> None:
            self._bar.set_description(step)
            # A step is done when the next one begins.
            self._bar.update(int(self._begun))
            self._begun = True

        return progress

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self._bar.update(int(self._begun))
        self._bar.close()


def _open(model: Path, sha256: str | None) -> "tuple[OpenedModel, DemandForecaster]":
    from servicekit.models import open_model  # noqa: PLC0415

    from chicagotaxi.model import MODEL_NAME, DemandForecaster  # noqa: PLC0415

    return open_model(model, sha256, name=MODEL_NAME, kind=DemandForecaster)


def _check_sample(out: Path) -> None:
    """Refuse to put a sample in the place of real months."""
    from chicagotaxi.schema import HOURLY, TRIPS, read_status  # noqa: PLC0415

    status = read_status(out)
    if status is None:
        real = (out / TRIPS).exists() or (out / HOURLY).exists()
    else:
        real = any(Path(one.path).name != SAMPLE_FILE for one in status.inputs)
    if real:
        raise DataError(
            f"{out} holds the months of other trips, and without inputs `run` makes a sample, "
            "which would take their place. Give the inputs, or another folder to --out."
        )


def _warn_of_age(panel: "Panel") -> None:
    """Say so where every hour that is predicted has passed."""
    from datetime import datetime  # noqa: PLC0415
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    end: datetime = panel.end.astype("datetime64[s]").item()
    days = (datetime.now(ZoneInfo("America/Chicago")).replace(tzinfo=None) - end).days
    if days >= OLD_DAYS:
        tqdm.write(
            f"The history ends {days} days ago, at {end:%Y-%m-%d %H:%M}: the week that is "
            "predicted after it has passed. Run `etl` on newer trips.",
            file=sys.stderr,
        )
