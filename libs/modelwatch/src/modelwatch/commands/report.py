"""`modelwatch report`."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from modelwatch.commands.shared_options import LogAddress
from modelwatch.errors import DocumentError, PlaceError
from modelwatch.profile import read_profile
from modelwatch.reporting.output import write_report
from modelwatch.reporting.report import make_report
from modelwatch.reporting.shadow import MIN_PAIRS, ShadowReport
from modelwatch.store import FileBasedStore, open_store

__all__ = ["command"]


def command(
    *,
    log: LogAddress,
    profile: Annotated[
        Path,
        typer.Option(help="Reference profile of the model: a file, or the folder of the model."),
    ],
    service: Annotated[str, typer.Option(help="Name of the service, a label of the metrics.")],
    out: Annotated[str, typer.Option(help="Folder of the report: a path, s3://... or gs://...")],
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, in UTC.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, in UTC.")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of days until yesterday (UTC), instead of --from and --to."
        ),
    ] = None,
) -> None:
    """Compare the predictions of some days with the reference profile, and with the truth.

    Writes report.json, report.html (one page without outside assets) and modelwatch.prom (metrics
    for Prometheus). In the folder ``reports`` of the log, the service publishes the metrics.
    """
    window = _window(first, last, days)
    folder = open_store(out)
    if not isinstance(folder, FileBasedStore):
        raise PlaceError("A database holds no report.", remedy="Give a folder or bucket to --out.")
    report = make_report(open_store(log), read_profile(profile), *window)
    write_report(report, folder, service=service)
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


def _window(first: datetime | None, last: datetime | None, days: int | None) -> tuple[date, date]:
    if days is not None and first is None and last is None:
        today = datetime.now(UTC).date()
        return today - timedelta(days=days), today - timedelta(days=1)
    if days is None and first is not None and last is not None:
        return first.date(), last.date()
    raise DocumentError(
        "The days of the report are not given.", remedy="Give --from and --to, or only --days."
    )


def _show(shadow: ShadowReport) -> None:
    typer.echo(f"shadow:      {shadow.pairs:,} pairs of answers, {shadow.share:.1%}")
    if not shadow.outputs:
        typer.echo(f"             too few: {MIN_PAIRS} are needed")
    for name, one in shadow.metrics.items():
        typer.echo(f"{name + ':':<12} gain {one.gain:+.4f} ({one.low:+.4f} to {one.high:+.4f})")
