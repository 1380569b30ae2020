"""The command `generate`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.progress import progress

from chicagotaxi.cli.options import SeedOption
from chicagotaxi.sample.files import write_sample
from chicagotaxi.sample.trips import DIRT, SAMPLE_TRIPS, SampleOptions


def command(  # noqa: PLR0917 - typer makes options of all of them
    destination: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="File to write: .csv, .csv.gz or .parquet.")
    ],
    rows: Annotated[
        int, typer.Option(min=1, max=10_000_000_000, help="Number of trips.")
    ] = SAMPLE_TRIPS,
    dialect: Annotated[
        str, typer.Option(help="Format of the trips: portal, api or bigquery.")
    ] = "portal",
    first: Annotated[
        datetime, typer.Option("--first", formats=["%Y-%m-%d"], help="First day of the trips.")
    ] = datetime(2023, 1, 1),  # noqa: DTZ001 - wall clock
    days: Annotated[int, typer.Option(min=1, max=3_700, help="Number of days.")] = 365,
    seed: SeedOption = 42,
    dirt: Annotated[
        float,
        typer.Option(
            min=0, max=5, help="Factor on the usual share of dirty rows; 0 for clean trips."
        ),
    ] = 1.0,
) -> None:
    """Write synthetic trips in the format of the real ones, some of them dirty on purpose."""
    options = SampleOptions(
        rows=rows,
        seed=seed,
        first=first.date(),
        days=days,
        dirt={name: share * dirt for name, share in DIRT.items()} if dirt else {},
    )
    with handle_errors(), progress("Generating", total=rows, unit="trips") as advance:
        summary = write_sample(destination, options, dialect=dialect, progress=advance)
    dirty = sum(summary.dirt.values())
    typer.echo(f"Wrote {summary.rows:,} synthetic trips to {destination}, {dirty:,} of them dirty:")
    for name, count in summary.dirt.items():
        typer.echo(f"  {name}: {count:,}")
