"""The commands of the pipeline: generate, fetch and etl."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from servicekit.cli_errors import handle_errors
from tqdm import tqdm

from chicagotaxi.bars import ShareBar, notice
from chicagotaxi.options import (
    EngineOption,
    MasterOption,
    MaxDroppedOption,
    SparkOption,
    ThreadsOption,
    engine_options,
)
from chicagotaxi.schema import DEFAULT_OUT, MAX_DROPPED

__all__ = ["app"]

SAMPLE_ROWS: Final = 1_500_000
DEFAULT_RAW: Final = Path("data/raw")

app = typer.Typer()


@app.command()
def generate(  # noqa: PLR0917 - typer makes options of all of them
    destination: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="File to write: .csv, .csv.gz or .parquet.")
    ],
    rows: Annotated[int, typer.Option(min=1, max=10_000_000_000, help="How many.")] = SAMPLE_ROWS,
    dialect: Annotated[str, typer.Option(help="portal, api or bigquery.")] = "portal",
    first: Annotated[
        datetime, typer.Option("--first", formats=["%Y-%m-%d"], help="The first day.")
    ] = datetime(2023, 1, 1),  # noqa: DTZ001 - wall clock
    days: Annotated[int, typer.Option(min=1, max=3_700, help="On how many days.")] = 365,
    seed: Annotated[int, typer.Option(min=0, help="Of every random choice.")] = 42,
    dirt: Annotated[
        float, typer.Option(min=0, max=5, help="Times the usual share of dirty rows; 0 for none.")
    ] = 1.0,
) -> None:
    """Write synthetic trips in the form of the real ones, some of them dirty on purpose."""
    from chicagotaxi.sample import DIRT, SampleOptions  # noqa: PLC0415 - --help need not wait
    from chicagotaxi.sample_files import write_sample  # noqa: PLC0415

    options = SampleOptions(
        rows=rows,
        seed=seed,
        first=first.date(),
        days=days,
        dirt={name: share * dirt for name, share in DIRT.items()} if dirt else {},
    )
    with handle_errors(), tqdm(total=rows, unit=" trips", unit_scale=True, file=sys.stderr) as bar:
        summary = write_sample(destination, options, dialect=dialect, progress=bar.update)
    dirty = sum(summary.dirt.values())
    typer.echo(f"Wrote {summary.rows:,} synthetic trips to {destination}, {dirty:,} of them dirty:")
    for name, count in summary.dirt.items():
        typer.echo(f"  {name}: {count:,}")


@app.command()
def fetch(  # noqa: PLR0917
    first: Annotated[
        datetime, typer.Option("--first", formats=["%Y-%m-%d"], help="The first day.")
    ],
    last: Annotated[datetime, typer.Option("--last", formats=["%Y-%m-%d"], help="The last day.")],
    destination: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="For one CSV file per day.")
    ] = DEFAULT_RAW,
    token: Annotated[
        str | None,
        typer.Option(envvar="SODA_APP_TOKEN", help="The portal's application token.", hidden=True),
    ] = None,
    portal: Annotated[
        str, typer.Option(help="Address of the portal.")
    ] = "https://data.cityofchicago.org",
    page_rows: Annotated[int, typer.Option(min=1, max=50_000, help="Trips per request.")] = 50_000,
) -> None:
    """Fetch trips from the City of Chicago's portal. Run again, it goes on where it stopped.

    The portal is more generous to those who give an application token: SODA_APP_TOKEN in the
    environment.
    """
    from chicagotaxi.display import many  # noqa: PLC0415
    from chicagotaxi.fetch import fetch_days  # noqa: PLC0415
    from chicagotaxi.soda import SodaClient  # noqa: PLC0415

    with handle_errors():
        client = SodaClient(base=portal.rstrip("/"), token=token, page_rows=page_rows)
        total = (last - first).days + 1
        with tqdm(total=max(total, 1), unit=" days", file=sys.stderr) as bar:

            def progress(day: object, rows: int) -> None:
                bar.n = min((datetime.fromisoformat(str(day)) - first).days, total)
                bar.set_description(f"{day}: {rows:,} trips")

            summary = fetch_days(client, first.date(), last.date(), destination, progress=progress)
            bar.update(bar.total - bar.n)
    typer.echo(
        f"{many(summary.rows, 'trip')} in {destination}: "
        f"{many(len(summary.fetched), 'day')} fetched, "
        f"{len(summary.there_already)} were there already."
    )
    if summary.without_trips:
        days = ", ".join(map(str, summary.without_trips))
        typer.echo(f"The portal has no trips yet of: {days}")


@app.command()
def etl(  # noqa: PLR0917
    inputs: Annotated[
        list[str], typer.Argument(help="CSV (.gz too) and Parquet: files, folders and patterns.")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder of trips, hourly demand and status.")
    ] = DEFAULT_OUT,
    engine: EngineOption = "duckdb",
    master: MasterOption = "local[*]",
    spark: SparkOption = None,
    memory: Annotated[
        str, typer.Option(help="What DuckDB may use before it writes to disk.")
    ] = "2GB",
    threads: ThreadsOption = None,
    quarantine: Annotated[
        Path | None,
        typer.Option(help="A Parquet file for the dropped rows. Takes one more reading."),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Even where a month loses more than half of its trips."),
    ] = False,
    max_dropped: MaxDroppedOption = MAX_DROPPED,
) -> None:
    """Clean trips and sum up hourly demand. Replaces the months that the inputs have trips of."""
    from chicagotaxi.display import show_status  # noqa: PLC0415
    from chicagotaxi.etl import run_etl  # noqa: PLC0415

    with handle_errors(), ShareBar() as progress:
        options = engine_options(engine, master, spark, threads=threads, memory=memory)
        status = run_etl(
            inputs,
            out,
            engine=options,
            quarantine=quarantine,
            replace=replace,
            max_dropped=max_dropped,
            progress=progress,
            notice=notice,
        )
    show_status(status, out)
