"""Results of commands as tables and sentences."""

from pathlib import Path

import typer
from modelwatch.log import LogSettings
from rich.console import Console
from rich.table import Table
from servicekit.training_rows import Overlap

from chicagotaxi.batch.log_batch import LoggedBatch
from chicagotaxi.batch.reader import BatchInfo
from chicagotaxi.city import AREAS
from chicagotaxi.etl.rules import REASONS
from chicagotaxi.etl.time_zones import MARKS
from chicagotaxi.forecast.baselines import BASELINES
from chicagotaxi.forecast.metrics import FORECAST, BacktestReport, Comparison
from chicagotaxi.forecast.warnings import WARNINGS_BY_CODE
from chicagotaxi.schema import PipelineStatus


def notice(text: str) -> None:
    """Print a message for people on standard error."""
    typer.echo(text, err=True)


def many(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun in the singular or plural."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def show_status(status: PipelineStatus, out: Path) -> None:
    """Print the result of a run of the pipeline, with every dropped row by rule."""
    console = Console(highlight=False)
    table = _table(
        f"{status.rows_read:,} rows of {many(len(status.inputs), 'file')}", "", numbers=("rows",)
    )
    table.add_row(f"{status.rows_kept:,}", "kept", end_section=True)
    for name, rows in status.dropped.items():
        if rows:
            table.add_row(f"{rows:,}", f"dropped, {name}: {REASONS.get(name, '')}")
    table.add_section()
    for mark in MARKS:
        if rows := status.marked.get(mark.name, 0):
            table.add_row(f"{rows:,}", f"marked, {mark.name}: {mark.why}")
    console.print(table)
    for source in status.inputs:
        if source.absent:
            console.print(f"{source.path} lacks {', '.join(source.absent)}: blank in its trips")
    if not status.months:
        console.print(f"The inputs have no rows. {out} is as it was")
        return
    months = status.months[0] + (f" to {status.months[-1]}" if status.months[1:] else "")
    console.print(
        f"Wrote {many(len(status.months), 'month')}, {months}, with "
        f"{many(status.hours, 'hour')} x {len(AREAS)} areas, to {out} by {status.engine}"
    )
    console.print(
        f"Known are {status.first_hour} to {status.last_hour}, without "
        f"{many(status.unknown_hours, 'unknown hour')} in "
        f"{many(status.unknown_stretches_in_all, 'stretch', 'stretches')}"
        if status.unknown_hours
        else f"Known are all hours from {status.first_hour} to {status.last_hour}"
    )
    for month, trips in status.month_trips.items():
        if trips.before:
            console.print(f"  {month}: {trips.before:,} -> {many(trips.now, 'trip')}")


def show_batch(info: BatchInfo) -> None:
    """Print a batch's name, model, hours and rows."""
    table = Table(title="Predictions", show_header=False)
    table.add_row("batch", info.batch)
    table.add_row("model", info.model.version)
    table.add_row("hours", f"{info.first_hour:%Y-%m-%d %H:%M} to {info.last_hour:%Y-%m-%d %H:%M}")
    table.add_row("rows", f"{info.rows:,}")
    Console().print(table)


def show_logged(logged: LoggedBatch | None, shadowed: int | None, settings: LogSettings) -> None:
    """Print how many predictions are in the prediction log, if there is one.

    Args:
        logged: The batch in the log; None without a log.
        shadowed: Number of the challenger's predictions; None without a challenger.
        settings: The place of the log.
    """
    if logged is not None:
        typer.echo(f"Logged {logged.written:,} predictions in {settings.prediction_log}")
    if shadowed is not None:
        typer.echo(f"Logged {shadowed:,} predictions of the challenger")


def show_warnings(info: BatchInfo) -> None:
    """Print how many predictions have warnings, and how much of the truth the model had seen."""
    console = Console(highlight=False)
    for code, rows in info.warnings.items():
        console.print(
            f"{rows:,} of {many(info.rows, 'prediction')} marked {code}: "
            f"{WARNINGS_BY_CODE[code].message}"
        )
    if (found := info.training_overlap) is not None:
        overlap = Overlap(rows=found.rows, compared=found.compared, seen=found.seen)
        console.print(overlap.sentence("hours and areas with trips"))


def show_report(report: BacktestReport) -> None:
    """Print a back-test: the forecast and its baselines, by group and by day ahead."""
    console, overall = Console(), report.overall
    errors = _table(
        f"{len(report.folds)} origins, {overall.cells:,} hours and areas",
        "forecaster",
        numbers=("MAE", "RMSE", "WAPE", "R²", "bias"),
        name_first=True,
    )
    intervals = _table(
        f"Intervals of {report.interval:.0%}",
        "forecaster",
        numbers=("covered", "width", "score"),
        name_first=True,
    )
    for name in (FORECAST, *BASELINES):
        one, around = overall.errors[name], overall.intervals[name]
        figures = (one.mae, one.rmse, one.wape, one.r2, one.bias)
        errors.add_row(name.replace("_", " "), *map(_figure, figures))
        intervals.add_row(
            name.replace("_", " "),
            f"{around.coverage:.1%}",
            *map(_figure, (around.width, around.score)),
        )
    skill = _table(
        "Skill: how much less MAE",
        "where",
        numbers=("areas", "MAE", "skill, last week", "skill, best", "covered", "score"),
        name_first=True,
    )
    for part in (overall, *report.groups, *report.days_ahead):
        skill.add_row(*_line(part), end_section=part in (overall, report.groups[-1]))
    for table in (errors, intervals, skill):
        console.print(table)


def show_left_out(report: BacktestReport, folds: int) -> None:
    """Print how many origins of a back-test are not in its figures."""
    if left_out := folds - len(report.folds):
        notice(
            f"Left out {left_out} of {folds} origins: no hour of the week after them is known "
            "that is also known in the week before."
        )


def _table(title: str, name: str, *, numbers: tuple[str, ...], name_first: bool = False) -> Table:
    table = Table(title=title)
    if name_first:
        table.add_column(name)
    for heading in numbers:
        table.add_column(heading, justify="right")
    if not name_first:
        table.add_column(name)
    return table


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
    """A standard error, to be written after its figure."""
    return "" if error is None else f" ± {error:.1%}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
