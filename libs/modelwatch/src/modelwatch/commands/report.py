"""`modelwatch report`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from modelwatch.commands.shared_options import LogAddress
from modelwatch.profile import read_profile
from modelwatch.reporting.output import write_report
from modelwatch.reporting.report import make_report
from modelwatch.reporting.shadow import MIN_PAIRS, ShadowReport
from modelwatch.store import open_store

__all__ = ["command"]


def command(
    *,
    log: LogAddress,
    profile: Annotated[
        Path,
        typer.Option(help="Reference profile of the model: a file, or the folder of the model."),
    ],
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, in UTC.")
    ],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, in UTC.")],
    service: Annotated[str, typer.Option(help="Name of the service, a label of the metrics.")],
    out: Annotated[Path, typer.Option(help="Folder of the report.")],
) -> None:
    """Compare the predictions of some days with the reference profile, and with the truth.

    Writes report.json, report.html (one page without outside assets) and modelwatch.prom (metrics
    for Prometheus' textfile collector).
    """
    report = make_report(open_store(log), read_profile(profile), first.date(), last.date())
    write_report(report, out, service=service)
    drifted = [name for name, one in report.drift.items() if one.state == "drift"]
    too_small = [name for name, one in report.drift.items() if one.state == "too-small"]
    metrics = report.performance.metrics if report.performance else {}
    typer.echo(f"predictions: {report.rows:,}, with an outcome: {report.truth_rows:,}")
    typer.echo(f"drifted:     {', '.join(drifted) or 'nothing'}")
    if too_small:
        typer.echo(f"too small:   {', '.join(too_small)}")
    for name, one in metrics.items():
        worse = ", worse than the reference" if one.worse else ""
        typer.echo(f"{name + ':':<12} {one.value:.4f} ({one.low:.4f} to {one.high:.4f}{worse})")
    if report.performance and not metrics:
        typer.echo(f"performance: {report.performance.rows} outcomes are too few")
    if report.shadow:
        _show(report.shadow)


def _show(shadow: ShadowReport) -> None:
    typer.echo(f"shadow:      {shadow.pairs:,} pairs of answers, {shadow.share:.1%}")
    if not shadow.outputs:
        typer.echo(f"             too few: {MIN_PAIRS} are needed")
    for name, one in shadow.metrics.items():
        typer.echo(f"{name + ':':<12} gain {one.gain:+.4f} ({one.low:+.4f} to {one.high:+.4f})")
