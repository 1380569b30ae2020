"""The command `fetch`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from servicekit.cli_errors import handle_errors
from servicekit.progress import progress

from chicagotaxi.cli.display import many
from chicagotaxi.sources.download import fetch_days
from chicagotaxi.sources.portal import PORTAL, SodaClient

DEFAULT_RAW: Final = Path("data/raw")


def command(  # noqa: PLR0917 - typer makes options of all of them
    first: Annotated[
        datetime, typer.Option("--first", formats=["%Y-%m-%d"], help="First day to fetch.")
    ],
    last: Annotated[
        datetime, typer.Option("--last", formats=["%Y-%m-%d"], help="Last day to fetch.")
    ],
    destination: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Folder for the files, one CSV file a day.")
    ] = DEFAULT_RAW,
    token: Annotated[
        str | None,
        typer.Option(envvar="SODA_APP_TOKEN", help="Application token of the portal.", hidden=True),
    ] = None,
    portal: Annotated[str, typer.Option(help="Address of the portal.")] = PORTAL,
    page_rows: Annotated[
        int, typer.Option(min=1, max=50_000, help="Number of trips per request.")
    ] = 50_000,
) -> None:
    """Fetch trips from the City of Chicago's portal. A second run continues where one stopped.

    The portal allows more requests with an application token: set SODA_APP_TOKEN in the
    environment.
    """
    days = max((last - first).days + 1, 0)
    with handle_errors(), progress("Fetching", total=days, unit="days") as advance:
        client = SodaClient(base=portal.rstrip("/"), token=token, page_rows=page_rows)
        summary = fetch_days(client, first.date(), last.date(), destination, progress=advance)
    typer.echo(
        f"{many(summary.rows, 'trip')} in {destination}: "
        f"{many(len(summary.fetched), 'day')} fetched, "
        f"{len(summary.there_already)} were there already."
    )
    if summary.without_trips:
        missing = ", ".join(map(str, summary.without_trips))
        typer.echo(f"The portal has no trips yet of: {missing}")
