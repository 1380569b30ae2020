"""The command `backtest`."""

from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import check_not_input
from servicekit.progress import progress

from chicagotaxi.cli.display import notice, show_left_out, show_report
from chicagotaxi.cli.options import (
    DEFAULT_REPORTS,
    DataOption,
    ReportsOption,
    RowsOption,
    SeedOption,
    StepDaysOption,
)
from chicagotaxi.forecast.backtest import BacktestOptions, backtest, backtest_steps, describe
from chicagotaxi.forecast.model import ForecastOptions
from chicagotaxi.forecast.report import BACKTEST, check_folder, write_report
from chicagotaxi.forecast.sufficiency import check_to_train, notice_unknown_hours
from chicagotaxi.history.read import read_history_or_sample


def command(  # noqa: PLR0917 - typer makes options of all of them
    data: DataOption = None,
    reports: ReportsOption = DEFAULT_REPORTS,
    name: Annotated[str, typer.Option("--name", help="File name of the report.")] = BACKTEST,
    seed: SeedOption = 42,
    rows: RowsOption = 200_000,
    folds: Annotated[int, typer.Option(min=1, max=366, help="Number of forecast origins.")] = 4,
    step_days: StepDaysOption = 7,
) -> None:
    """Compare forecasts from many past origins with the baselines. Seals nothing."""
    origins = BacktestOptions(folds=folds, step_days=step_days)
    with handle_errors(), progress("Back-test", total=backtest_steps(origins) + 2) as advance:
        advance(0, "read the history")
        panel, about = read_history_or_sample(data, seed=seed, notice=notice)
        notice_unknown_hours(panel, notice)
        check_to_train(panel)
        if data is not None:
            check_not_input(reports / name, data)
        check_folder(reports, name)
        advance()
        report, _ = backtest(
            panel,
            origins,
            ForecastOptions(seed=seed, rows=rows),
            data=describe(panel, about),
            progress=advance,
        )
        written = write_report(report, reports, name)
        advance(step="write the report")
    show_report(report)
    show_left_out(report, folds)
    typer.echo(f"\nWrote {written}")
