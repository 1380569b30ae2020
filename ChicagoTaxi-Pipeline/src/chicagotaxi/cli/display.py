"""Tables for people: what a run of the pipeline did."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from servicekit.training_rows import Overlap

from chicagotaxi.batch.reader import BatchInfo
from chicagotaxi.etl.rules import DUPLICATE, RULES
from chicagotaxi.etl.time_zones import MARKS
from chicagotaxi.forecast.warnings import WARNINGS_BY_CODE
from chicagotaxi.schema import AREAS, PipelineStatus


def show_status(status: PipelineStatus, out: Path) -> None:
    """Print where every row of a run is."""
    console = Console()
    reasons = {rule.name: rule.why for rule in RULES}
    reasons[DUPLICATE] = "a trip before it in the month has the same identifier"
    table = Table(title=f"{status.rows_read:,} rows of {many(len(status.inputs), 'file')}")
    table.add_column("rows", justify="right")
    table.add_column("")
    table.add_row(f"{status.rows_kept:,}", "kept")
    table.add_section()
    for name, rows in status.dropped.items():
        if rows:
            table.add_row(f"{rows:,}", f"dropped, {name}: {reasons.get(name, '')}")
    marks = [(mark, rows) for mark in MARKS if (rows := status.marked.get(mark.name, 0))]
    if marks:
        table.add_section()
    for mark, rows in marks:
        table.add_row(f"{rows:,}", f"marked, {mark.name}: {mark.why}")
    console.print(table)
    for source in status.inputs:
        if source.absent:
            console.print(
                f"{source.path} lacks {', '.join(source.absent)}: blank in its trips",
                highlight=False,
            )
    if status.months:
        months = status.months[0] + (f" to {status.months[-1]}" if status.months[1:] else "")
        console.print(
            f"Wrote {many(len(status.months), 'month')}, {months}, with "
            f"{many(status.hours, 'hour')} x {AREAS} areas, to {out} by {status.engine}",
            highlight=False,
        )
        console.print(
            f"Known are {status.first_hour} to {status.last_hour}, without "
            f"{many(status.unknown_hours, 'unknown hour')} in "
            f"{many(status.unknown_stretches_in_all, 'stretch', 'stretches')}"
            if status.unknown_hours
            else f"Known are all hours from {status.first_hour} to {status.last_hour}",
            highlight=False,
        )
        for month, trips in status.month_trips.items():
            if trips.before:
                console.print(
                    f"  {month}: {trips.before:,} -> {many(trips.now, 'trip')}", highlight=False
                )
    else:
        console.print(f"The inputs have no rows. {out} is as it was", highlight=False)


def show_warnings(info: BatchInfo) -> None:
    """Print which predictions deserve less trust, and what the model had seen before."""
    console = Console()
    for code, rows in info.warnings.items():
        console.print(
            f"{rows:,} of {many(info.rows, 'prediction')} marked {code}: "
            f"{WARNINGS_BY_CODE[code].message}",
            highlight=False,
        )
    if (found := info.training_overlap) is not None:
        overlap = Overlap(rows=found.rows, compared=found.compared, seen=found.seen)
        console.print(overlap.sentence("hours and areas with trips"), highlight=False)


def many(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun, in the plural where it is not one."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
