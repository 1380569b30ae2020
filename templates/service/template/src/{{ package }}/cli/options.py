"""Options of several commands, and what several commands print."""

from pathlib import Path
from typing import Annotated, Final

import typer

from {{ package }}.evaluation import Report

DEFAULT_MODEL: Final = Path("models/{{ package }}")
DEFAULT_REPORTS: Final = Path("reports/{{ package }}")

Model = Annotated[Path, typer.Option("--model", help="Folder of the sealed model.")]
Reports = Annotated[Path, typer.Option("--reports", help="Folder for evaluation.json.")]
Seed = Annotated[int, typer.Option(min=0, help="Random seed.")]
Output = Annotated[Path, typer.Argument(metavar="OUTPUT", help="CSV file to write.")]


def show_report(report: Report) -> None:
    """Print the metrics and the notices of a report."""
    print(f"{report.model_version}, threshold {report.threshold:.4f}")
    for name, value in report.metrics.model_dump().items():
        text = "-" if value is None else f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
        print(f"  {name:<16}{text:>10}")
    for notice in report.notices:
        print(f"Notice: {notice}")
