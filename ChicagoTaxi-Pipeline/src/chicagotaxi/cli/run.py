"""The command `run`."""

import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import DataError
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import check_model
from servicekit.progress import progress
from servicekit.spark.options import LOCAL_MASTER, MasterOption, SettingsOption

from chicagotaxi.batch.log_batch import log_batch
from chicagotaxi.batch.predict import predict
from chicagotaxi.batch.shadow import predict_in_shadow
from chicagotaxi.cli.display import notice, show_batch, show_logged, show_warnings
from chicagotaxi.cli.options import (
    DEFAULT_MODEL,
    DEFAULT_REPORTS,
    EngineOption,
    MaxDroppedOption,
    OutOption,
    ReportsOption,
    SeedOption,
    engine_options,
)
from chicagotaxi.cli.train import command as train
from chicagotaxi.etl.engines import open_engine
from chicagotaxi.etl.run import run_etl
from chicagotaxi.forecast.sealed_model import SealedForecast
from chicagotaxi.history.panel import read_hourly
from chicagotaxi.prediction_log import read_log_settings
from chicagotaxi.sample.files import write_sample
from chicagotaxi.sample.trips import SAMPLE_TRIPS, SampleOptions
from chicagotaxi.schema import DEFAULT_OUT, HOURLY, MAX_DROPPED, PREDICTIONS, TRIPS, read_status

# The status of a run names its inputs: this name tells a sample from real trips.
SAMPLE_FILE: Final = "chicagotaxi-sample.parquet"


def command(  # noqa: PLR0917 - typer makes options of all of them
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files of trips, folders and patterns. Without them, a sample is generated."
        ),
    ] = None,
    out: OutOption = DEFAULT_OUT,
    model: Annotated[
        Path,
        typer.Option(
            "--model", help="Folder of the sealed model. If it has none, a model is trained."
        ),
    ] = DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    reports: ReportsOption = DEFAULT_REPORTS,
    engine: EngineOption = "duckdb",
    master: MasterOption = LOCAL_MASTER,
    spark: SettingsOption = None,
    seed: SeedOption = 42,
    sample_trips: Annotated[
        int, typer.Option(min=10_000, max=100_000_000, help="Number of trips of the sample.")
    ] = SAMPLE_TRIPS,
    max_dropped: MaxDroppedOption = MAX_DROPPED,
) -> None:
    """Run every step: clean trips, hourly demand, a model if there is none, a week's predictions.

    The engine computes the pipeline. The week is predicted in this process.
    """
    with handle_errors(), tempfile.TemporaryDirectory(prefix="chicagotaxi-") as folder:
        options = engine_options(engine, master, spark)
        log = read_log_settings()
        sources: list[str | Path] = list(inputs or ())
        # A model that is refused, or is another one than was asked for, should be reported before
        # minutes of work.
        check_model(model)
        there = (model / "manifest.json").exists()
        if there or model_sha256 or signer:
            SealedForecast.find(model, model_sha256, signer)
        if not sources:
            _check_sample(out)
            sample = Path(folder) / SAMPLE_FILE
            with progress("Sample", total=sample_trips, unit="trips") as advance:
                write_sample(sample, SampleOptions(sample_trips, seed=seed), progress=advance)
            sources = [sample]
        with progress("Pipeline", total=100, unit="%") as advance:
            status = run_etl(
                sources,
                out,
                engine=options,
                max_dropped=max_dropped,
                progress=advance,
                notice=notice,
            )
        typer.echo(
            f"{status.rows_read:,} trips read, {status.rows_kept:,} kept; {status.hours:,} hours, "
            f"{status.first_hour} to {status.last_hour}"
        )
        if not there:
            train(data=out, out=model, reports=reports, seed=seed)
        sealed = SealedForecast.find(model, model_sha256, signer)
        history = read_hourly(out)
        with open_engine(engine_options()) as here:
            info = predict(here, sealed, history, out)
        logged = log_batch(log, out / PREDICTIONS, info.batch)
        shadowed = predict_in_shadow(log, signer or (), history, logged, notice)
    show_batch(info)
    show_warnings(info)
    show_logged(logged, shadowed, log)


def _check_sample(out: Path) -> None:
    """Refuse to replace real months by a sample."""
    status = read_status(out)
    if status is None:
        real = (out / TRIPS).exists() or (out / HOURLY).exists()
    else:
        real = any(Path(one.path).name != SAMPLE_FILE for one in status.inputs)
    if real:
        raise DataError(
            f"{out} holds the months of other trips, and without inputs `run` generates a sample, "
            "which would replace them. Give the inputs, or another folder to --out."
        )
