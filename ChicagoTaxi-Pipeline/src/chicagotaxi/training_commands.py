"""The commands that train a model: to seal it, or to back-test it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import check_not_input

from chicagotaxi.bars import StepBar, notice
from chicagotaxi.options import DEFAULT_MODEL, DEFAULT_REPORTS, ReportsOption, SeedOption

if TYPE_CHECKING:
    from chicagotaxi.history import History
    from chicagotaxi.metrics import BacktestReport

__all__ = ["SAMPLE_TRIPS", "app"]

SAMPLE_TRIPS: Final = 1_500_000

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
    int,
    typer.Option(
        min=1000,
        max=10_000_000,
        help="Largest number of rows to train on; of more, a sample is taken.",
    ),
]
StepOption = Annotated[
    int, typer.Option("--step-days", min=1, max=366, help="Days between two forecast origins.")
]


@app.command()
def train(  # noqa: PLR0917 - typer makes options of all of them
    data: DataOption = None,
    out: Annotated[Path, typer.Option("--out", help="Folder to seal into.")] = DEFAULT_MODEL,
    reports: ReportsOption = DEFAULT_REPORTS,
    seed: SeedOption = 42,
    rows: RowsOption = 200_000,
    folds: Annotated[
        int, typer.Option(min=1, max=52, help="Forecast origins of the back-test.")
    ] = 2,
    step_days: StepOption = 7,
    model_version: Annotated[
        str | None,
        typer.Option(
            "--model-version",
            help="Version of the model. Default: derived from its data and options.",
        ),
    ] = None,
) -> None:
    """Back-test on the last weeks, train on everything, seal the model, write the report."""
    from servicekit.models import check_outputs, sealed_message  # noqa: PLC0415

    from chicagotaxi import train as training  # noqa: PLC0415 - --help need not wait for numpy
    from chicagotaxi.backtest import BacktestOptions  # noqa: PLC0415
    from chicagotaxi.forecast import ForecastOptions  # noqa: PLC0415
    from chicagotaxi.report import check_folder, show_report, write_report  # noqa: PLC0415
    from chicagotaxi.sufficiency import say_what_is_unknown  # noqa: PLC0415

    origins = BacktestOptions(folds=folds, step_days=step_days)
    with handle_errors(), StepBar(training.train_steps(origins) + 2) as progress:
        progress("read the history")
        panel, about = _history(data, seed)
        say_what_is_unknown(panel, notice)
        check_outputs(out, reports, check_folder)
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
    typer.echo(f"\n{sealed_message(manifest, out)}\nWrote {written}")


@app.command()
def backtest(  # noqa: PLR0917
    data: DataOption = None,
    reports: ReportsOption = DEFAULT_REPORTS,
    name: Annotated[str, typer.Option("--name", help="File name of the report.")] = "backtest.json",
    seed: SeedOption = 42,
    rows: RowsOption = 200_000,
    folds: Annotated[int, typer.Option(min=1, max=366, help="Number of forecast origins.")] = 4,
    step_days: StepOption = 7,
) -> None:
    """Compare forecasts from many past origins with the baselines. Seals nothing."""
    from chicagotaxi.backtest import BacktestOptions, backtest_steps, describe  # noqa: PLC0415
    from chicagotaxi.backtest import backtest as run_backtest  # noqa: PLC0415
    from chicagotaxi.forecast import ForecastOptions  # noqa: PLC0415
    from chicagotaxi.report import check_folder, show_report, write_report  # noqa: PLC0415
    from chicagotaxi.sufficiency import check_to_train, say_what_is_unknown  # noqa: PLC0415

    origins = BacktestOptions(folds=folds, step_days=step_days)
    with handle_errors(), StepBar(backtest_steps(origins) + 2) as progress:
        progress("read the history")
        panel, about = _history(data, seed)
        say_what_is_unknown(panel, notice)
        check_to_train(panel)
        if data is not None:
            check_not_input(reports / name, data)
        check_folder(reports, name)
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
