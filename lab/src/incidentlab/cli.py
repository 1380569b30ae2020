"""The command line."""

import os
import platform
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from modelseal.errors import RemedyError
from rich.console import Console

from incidentlab.data import DataError, split
from incidentlab.display import show
from incidentlab.findings import Data, Results, write_results
from incidentlab.incidents import INCIDENTS, REPORTED
from incidentlab.laboratory import Experiment, Laboratory, WorkerError
from incidentlab.plots import write_plot
from incidentlab.sample import generate_customers

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def reproduce(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="Customers (CSV). [default: generated ones]", exists=True, dir_okay=False
        ),
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder for incident.json and incident.png.")],
    uv: Annotated[Path, typer.Option(help="The uv executable that makes the environments.")],
    cache: Annotated[Path, typer.Option(help="Folder of the cached environments.")],
    source: Annotated[
        str | None, typer.Option(help="Name of the data in the results. [default: its file name]")
    ] = None,
    trees: Annotated[int, typer.Option(min=1, help="Number of trees in each ensemble.")] = 100,
) -> None:
    """Reproduce every incident in real environments, and show how the seal reacts to each.

    Exit status: 0 the incidents were run, whatever was found; 2 they could not be run.
    """
    console = Console()

    def say(text: str) -> None:
        console.print(f"{datetime.now(UTC):%H:%M:%S} {text}", style="dim", highlight=False)

    try:
        with tempfile.TemporaryDirectory(prefix="incidentlab-data-") as folder:
            table = data or _generated(Path(folder))
            training, scored, described = split(table, Path(folder), source=source or table.name)
            laboratory = Laboratory(uv, cache, training, scored, trees, say=say)
            experiments = list(laboratory.run(INCIDENTS))
    except (DataError, RemedyError, WorkerError) as error:
        typer.echo(f"incidentlab: {error}", err=True)
        raise typer.Exit(2) from error
    results = _results(experiments, described, trees)
    write_results(results, out / "incident.json")
    write_plot(experiments, described, out / "incident.png")
    show(results, console)
    console.print(f"Written: {out / 'incident.json'}, {out / 'incident.png'}")


def _generated(folder: Path) -> Path:
    table = folder / "generated sample"
    generate_customers().to_csv(table, index=False)
    return table


def _results(experiments: list[Experiment], data: Data, trees: int) -> Results:
    return Results(
        machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        data=data,
        trees=trees,
        reported=asdict(REPORTED),
        findings=tuple(experiment.finding for experiment in experiments),
    )
