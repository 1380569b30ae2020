"""The command `train`."""

from pathlib import Path
from typing import Annotated

import typer
from modelwatch.tracking.after_work import record_or_exit
from servicekit.cli_errors import handle_errors
from servicekit.models import check_outputs, sealed_message
from servicekit.progress import progress

from chicagotaxi.cli.display import notice, show_left_out, show_report
from chicagotaxi.cli.options import (
    DEFAULT_MODEL,
    DEFAULT_REPORTS,
    DataOption,
    ReportsOption,
    RowsOption,
    SeedOption,
    StepDaysOption,
)
from chicagotaxi.forecast import train as training
from chicagotaxi.forecast.backtest import BacktestOptions
from chicagotaxi.forecast.model import ForecastOptions
from chicagotaxi.forecast.report import check_folder, write_report
from chicagotaxi.forecast.sufficiency import notice_unknown_hours
from chicagotaxi.history.read import read_history_or_sample


def command(  # noqa: PLR0917 - typer makes options of all of them
    data: DataOption = None,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the sealed model.")
    ] = DEFAULT_MODEL,
    reports: ReportsOption = DEFAULT_REPORTS,
    seed: SeedOption = 42,
    rows: RowsOption = 200_000,
    folds: Annotated[
        int, typer.Option(min=1, max=52, help="Number of forecast origins of the back-test.")
    ] = 2,
    step_days: StepDaysOption = 7,
    model_version: Annotated[
        str | None,
        typer.Option(
            "--model-version",
            help="Version of the model. Default: derived from its data and options.",
        ),
    ] = None,
) -> None:
    """Back-test on the last weeks, train on all data, seal the model, write the report."""
    origins = BacktestOptions(folds=folds, step_days=step_days)
    steps = training.train_steps(origins) + 2
    with handle_errors(), progress("Training", total=steps) as advance:
        advance(0, "read the history")
        panel, about = read_history_or_sample(data, seed=seed, notice=notice)
        notice_unknown_hours(panel, notice)
        check_outputs(out, reports, check_folder)
        advance()
        trained = training.train(
            panel,
            about=about,
            options=ForecastOptions(seed=seed, rows=rows),
            folds=origins,
            progress=advance,
            version_override=model_version,
        )
        manifest = training.seal(trained, out, progress=advance)
        written = write_report(trained.report, reports)
        advance(step="write the report")
    show_report(trained.report)
    show_left_out(trained.report, folds)
    typer.echo(f"\n{sealed_message(manifest, out)}\nWrote {written}")
    record_or_exit(out, reports)
