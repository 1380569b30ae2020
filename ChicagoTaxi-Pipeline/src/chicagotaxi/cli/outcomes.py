"""The command `outcomes`."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import NewFile, check_writable, write_errors

from chicagotaxi.arrow_schemas import hourly_schema
from chicagotaxi.cli.options import OutOption
from chicagotaxi.clock import DAY
from chicagotaxi.etl.publish import settled
from chicagotaxi.history.panel import read_hourly
from chicagotaxi.schema import DEFAULT_OUT


def command(
    file: Annotated[Path, typer.Argument(help="Parquet file to write.", dir_okay=False)],
    out: OutOption = DEFAULT_OUT,
    days: Annotated[
        int, typer.Option(min=1, help="Number of days before the end of the history.")
    ] = 120,
) -> None:
    """Write the demand of the last days, as `modelwatch truth` takes it.

    The columns are hour, area and trips. Unknown hours have no rows.
    """
    with handle_errors():
        check_writable(file)
        with settled(out):
            panel = read_hourly(out)
        hours, trips = panel.hours[-days * DAY :], panel.trips[-days * DAY :]
        rows, columns = np.nonzero(np.isfinite(trips))
        schema = pa.schema([hourly_schema().field(name) for name in ("hour", "area", "trips")])
        table = pa.table(
            [
                pa.array(hours[rows].astype("datetime64[us]")),
                pa.array(np.asarray(panel.areas, dtype=np.int16)[columns]),
                pa.array(trips[rows, columns].astype(np.int32)),
            ],
            schema=schema,
        )
        with NewFile(file) as new, write_errors(file):
            pq.write_table(table, new.path, compression="zstd")
    typer.echo(f"{len(table):,} outcomes in {file}")
