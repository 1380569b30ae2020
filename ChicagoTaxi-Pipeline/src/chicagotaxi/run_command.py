"""The command that does all of it: clean trips, a model if there is none, predictions."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import DataError
from servicekit.model_options import Sha256Option, SignersOption
from tqdm import tqdm

from chicagotaxi.bars import ShareBar, notice
from chicagotaxi.options import (
    DEFAULT_MODEL,
    DEFAULT_REPORTS,
    EngineOption,
    MasterOption,
    MaxDroppedOption,
    ReportsOption,
    SeedOption,
    SparkOption,
    engine_options,
    opened_engine,
)
from chicagotaxi.schema import DEFAULT_OUT, MAX_DROPPED
from chicagotaxi.training_commands import SAMPLE_TRIPS, train

if TYPE_CHECKING:
    from chicagotaxi.engines import EngineOptions

__all__ = ["app"]

# By its name the status tells a sample from real trips.
SAMPLE_FILE: Final = "chicagotaxi-sample.parquet"

app = typer.Typer()


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
    signer: SignersOption = None,
    reports: ReportsOption = DEFAULT_REPORTS,
    engine: EngineOption = "duckdb",
    master: MasterOption = "local[*]",
    spark: SparkOption = None,
    seed: SeedOption = 42,
    sample_trips: Annotated[
        int, typer.Option(min=10_000, max=100_000_000, help="Size of the sample.")
    ] = SAMPLE_TRIPS,
    max_dropped: MaxDroppedOption = MAX_DROPPED,
) -> None:
    """Do all of it: clean trips, hourly demand, a model if there is none, a week's predictions.

    The engine computes the pipeline; a week is predicted here.
    """
    from servicekit.models import check_model  # noqa: PLC0415

    from chicagotaxi.display import show_warnings  # noqa: PLC0415 - --help need not wait for numpy
    from chicagotaxi.panel import read_hourly  # noqa: PLC0415
    from chicagotaxi.predict import predict  # noqa: PLC0415
    from chicagotaxi.report import show_batch  # noqa: PLC0415
    from chicagotaxi.sealed_forecast import SealedForecast  # noqa: PLC0415

    with handle_errors(), tempfile.TemporaryDirectory(prefix="chicagotaxi-") as folder:
        options = engine_options(engine, master, spark)
        sources: list[str | Path] = list(inputs or ())
        # A model that is refused, or is not the one that was asked for, is no reason to spend
        # minutes first.
        check_model(model)
        there = (model / "manifest.json").exists()
        if there or model_sha256 or signer:
            SealedForecast.find(model, model_sha256, signer)
        if not sources:
            _check_sample(out)
            sources = [_sample_file(Path(folder), sample_trips, seed)]
        _etl(sources, out, options, max_dropped)
        if not there:
            train(data=out, out=model, reports=reports, seed=seed)
        sealed = SealedForecast.find(model, model_sha256, signer)
        with opened_engine(engine_options()) as here:
            info = predict(here, sealed, read_hourly(out), out)
    show_batch(info)
    show_warnings(info)


def _sample_file(folder: Path, trips: int, seed: int) -> Path:
    from chicagotaxi.sample import SampleOptions  # noqa: PLC0415
    from chicagotaxi.sample_files import write_sample  # noqa: PLC0415

    path = folder / SAMPLE_FILE
    with tqdm(total=trips, unit=" trips", unit_scale=True, file=sys.stderr, desc="sample") as bar:
        write_sample(path, SampleOptions(trips, seed=seed), progress=bar.update)
    return path


def _etl(
    sources: list[str | Path], out: Path, options: "EngineOptions", max_dropped: float
) -> None:
    from chicagotaxi.etl import run_etl  # noqa: PLC0415

    with ShareBar() as progress:
        status = run_etl(
            sources,
            out,
            engine=options,
            max_dropped=max_dropped,
            progress=progress,
            notice=notice,
        )
    typer.echo(
        f"{status.rows_read:,} trips read, {status.rows_kept:,} kept; {status.hours:,} hours, "
        f"{status.first_hour} to {status.last_hour}"
    )


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
