"""Tables for people: what a run of the pipeline did."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from chicagotaxi.rules import DUPLICATE, RULES
from chicagotaxi.schema import PipelineStatus

__all__ = ["show_status"]


def show_status(status: PipelineStatus, out: Path) -> None:
    """Print where every row of a run is."""
    console = Console()
    reasons = {rule.name: rule.why for rule in RULES}
    reasons[DUPLICATE] = "another trip of the month has the same identifier"
    table = Table(title=f"{status.rows_read:,} rows of {len(status.inputs)} files")
    table.add_column("rows", justify="right")
    table.add_column("")
    table.add_row(f"{status.rows_kept:,}", "kept")
    table.add_section()
    for name, rows in status.dropped.items():
        if rows:
            table.add_row(f"{rows:,}", f"dropped, {name}: {reasons.get(name, '')}")
    console.print(table)
    if status.months:
        months = status.months[0] + (f" to {status.months[-1]}" if status.months[1:] else "")
        console.print(
            f"Wrote {len(status.months)} months, {months}, with {status.hours:,} hours x 77 areas, "
            f"to {out} by {status.engine}",
            highlight=False,
        )
    else:
        console.print(f"No trip was kept. Wrote {out}/status.json and nothing else")
