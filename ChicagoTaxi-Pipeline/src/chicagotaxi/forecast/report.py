"""What a back-test found: as a file, and as tables for people."""

from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from servicekit.files import NewFile, make_folder

from chicagotaxi.batch.reader import BatchInfo
from chicagotaxi.forecast.baselines import BASELINES
from chicagotaxi.forecast.metrics import FORECAST, BacktestReport, Comparison

BACKTEST: Final = "backtest.json"


def check_folder(folder: Path, name: str = BACKTEST) -> None:
    """Check that a report could be written into a folder, before the work that it reports on.

    Raises:
        DataError: It could not.
    """
    make_folder(folder)
    NewFile(folder / name).discard()


def write_report(report: BacktestReport, folder: Path, name: str = BACKTEST) -> Path:
    """Write a report into a folder.

    Raises:
        DataError: It cannot be written.
    """
    make_folder(folder)
    with NewFile(folder / name) as file:
        file.write((report.model_dump_json(indent=2) + "\n").encode())
    return folder / name


def show_report(report: BacktestReport) -> None:
    """Print a report: the forecast and its baselines, by group and by day ahead."""
    console = Console()
    overall = report.overall
    table = Table(title=f"{len(report.folds)} origins, {overall.cells:,} hours and areas")
    table.add_column("forecaster")
    for heading in ("MAE", "RMSE", "WAPE", "R²", "bias"):
        table.add_column(heading, justify="right")
    intervals = Table(title=f"Intervals of {report.interval:.0%}")
    intervals.add_column("forecaster")
    for heading in ("covered", "width", "score"):
        intervals.add_column(heading, justify="right")
    for name in (FORECAST, *BASELINES):
        errors, around = overall.errors[name], overall.intervals[name]
        figures = (errors.mae, errors.rmse, errors.wape, errors.r2, errors.bias)
        table.add_row(name.replace("_", " "), *map(_figure, figures))
        intervals.add_row(
            name.replace("_", " "),
            f"{around.coverage:.1%}",
            *map(_figure, (around.width, around.score)),
        )
    console.print(table)
    console.print(intervals)
    table = Table(title="Skill: how much less MAE")
    table.add_column("where")
    for heading in ("areas", "MAE", "skill, last week", "skill, best", "covered", "score"):
        table.add_column(heading, justify="right")
    for one in (overall, *report.groups, *report.days_ahead):
        table.add_row(*_line(one))
        if one in (overall, report.groups[-1]):
            table.add_section()
    console.print(table)


def show_batch(info: BatchInfo) -> None:
    """Print what a batch is."""
    table = Table(title="Predictions", show_header=False)
    table.add_row("batch", info.batch)
    table.add_row("model", info.model.version)
    table.add_row("hours", f"{info.first_hour:%Y-%m-%d %H:%M} to {info.last_hour:%Y-%m-%d %H:%M}")
    table.add_row("rows", f"{info.rows:,}")
    Console().print(table)


def _line(one: Comparison) -> tuple[str, ...]:
    return (
        one.name,
        str(one.areas),
        _figure(one.errors[FORECAST].mae),
        f"{one.skill_naive:+.1%}",
        f"{one.skill_best:+.1%}{_give_or_take(one.skill_best_error)}",
        f"{one.coverage:.1%}{_give_or_take(one.coverage_error)}",
        _figure(one.intervals[FORECAST].score),
    )


def _give_or_take(error: float | None) -> str:
    """A standard error, as what follows its figure."""
    return "" if error is None else f" ± {error:.1%}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
