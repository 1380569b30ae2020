"""Trips for tests: rows in each dialect, among them every kind of dirt that a test expects."""

import csv
import gzip
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow.parquet as pq
from chicagotaxi.etl.engines import EngineOptions
from chicagotaxi.etl.run import run_etl
from chicagotaxi.schema import PipelineStatus
from chicagotaxi.sources.dialects import DIALECTS, Dialect

# After every trip of the tests that is not meant to be in the future.
NOW: Final = datetime(2024, 6, 1, 12)  # noqa: DTZ001 - Chicago's wall clock

PORTAL, API, BIGQUERY = DIALECTS

Row = Mapping[str, str]

_BASE: Final = {
    "taxi_id": "f" * 128,
    "seconds": "600",
    "miles": "1.5",
    "pickup_tract": "17031081403",
    "dropoff_tract": "",
    "pickup_area": "8",
    "dropoff_area": "32",
    "tips": "0",
    "tolls": "0",
    "extras": "0",
    "payment_type": "Cash",
    "company": "Flash Cab",
}
_TIMES: Final = {
    "portal": ("04/06/2023 08:45:00 PM", "04/06/2023 09:00:00 PM"),
    "api": ("2023-04-06T20:45:00.000", "2023-04-06T21:00:00.000"),
    "bigquery": ("2023-04-06 20:45:00 UTC", "2023-04-06 21:00:00 UTC"),
}


def trip(identifier: str, dialect: Dialect = PORTAL, **changes: str) -> Row:
    """A trip that breaks no rule, except by the changes."""
    start, end = _TIMES[dialect.name]
    money = "$8.75" if dialect is PORTAL else "8.75"
    base = _BASE | {"trip_id": identifier, "start": start, "end": end, "fare": money}
    return base | {"total": money} | changes


def write(path: Path, rows: Iterable[Row], dialect: Dialect = PORTAL) -> Path:
    """Write trips as the portal's CSV, compressed where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*dialect.columns.values(), "Community Areas"])
        for row in rows:
            writer.writerow([*(row[name] for name in dialect.columns), "37"])
    return path


def run(
    inputs: Iterable[Path] | Path,
    out: Path,
    *,
    engine: EngineOptions | None = None,
    quarantine: Path | None = None,
    max_dropped: float = 1.0,
) -> PipelineStatus:
    """The pipeline on some files, most of whose rows may be dirty, at the tests' present time."""
    paths = [inputs] if isinstance(inputs, Path) else inputs
    return run_etl(
        paths, out, engine=engine, quarantine=quarantine, max_dropped=max_dropped, now=NOW
    )


def dropped(status: PipelineStatus) -> dict[str, int]:
    """The rules that dropped any row."""
    return {name: rows for name, rows in status.dropped.items() if rows}


def clean(out: Path) -> pd.DataFrame:
    """The clean trips of an output folder, in an order of their own."""
    table = pq.read_table(out / "trips").to_pandas()
    columns = sorted(table.columns, key=lambda name: (name != "trip_id", name))
    trips: pd.DataFrame = table[columns].sort_values(columns, ignore_index=True)
    return trips


def hourly(out: Path) -> pd.DataFrame:
    """The hourly demand of an output folder, in the order of its files."""
    paths = sorted(
        (out / "hourly").rglob("*.parquet"),
        key=lambda path: [int(part.partition("=")[2]) for part in path.parts[-3:-1]],
    )
    grid: pd.DataFrame = pd.concat(
        [pq.read_table(path, partitioning=None).to_pandas() for path in paths]
    )
    return grid


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, the locks aside."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


# What a trip must have been changed into, and the first rule that it then breaks, if any.
ZOO: Final[list[tuple[Dialect, Mapping[str, str], str | None]]] = [
    # Times, in the portal's form.
    (PORTAL, {"start": "04/06/2023 12:00:00 AM"}, None),
    (PORTAL, {"start": ""}, "start_unreadable"),
    (PORTAL, {"start": "02/30/2023 01:00:00 PM"}, "start_unreadable"),
    (PORTAL, {"start": "13/01/2022 01:00:00 PM"}, "start_unreadable"),
    (PORTAL, {"start": "04/06/2023 13:45:00 PM"}, "start_unreadable"),
    (PORTAL, {"start": "04/06/2023 00:45:00 AM"}, "start_unreadable"),
    (PORTAL, {"start": "04/06/2023 08:60:00 PM"}, "start_unreadable"),
    (PORTAL, {"start": "4/6/2023 8:45:00 PM"}, "start_unreadable"),
    (PORTAL, {"start": " 4/06/2023 08:45:00 PM"}, "start_unreadable"),
    (PORTAL, {"start": "04/06/2023 08:45:00 pm"}, "start_unreadable"),
    (PORTAL, {"start": "2023-04-06T20:45:00"}, "start_unreadable"),
    (PORTAL, {"start": "04/06/2023 08:45:00 PM\u00a0"}, "start_unreadable"),
    (PORTAL, {"end": ""}, None),
    (PORTAL, {"end": "soon"}, "end_unreadable"),
    (PORTAL, {"end": "04/06/2023 08:30:00 PM"}, "ends_before_start"),
    (PORTAL, {"end": "04/06/2023 08:45:00 PM"}, None),
    (PORTAL, {"start": "12/31/2012 11:59:59 PM"}, "start_too_early"),
    (PORTAL, {"start": "01/01/2013 12:00:00 AM"}, None),
    (PORTAL, {"start": "01/01/0001 12:00:00 AM"}, "start_too_early"),
    (PORTAL, {"start": "06/01/2024 12:00:00 PM", "end": ""}, None),
    (PORTAL, {"start": "06/01/2024 12:15:00 PM", "end": ""}, "start_in_future"),
    (PORTAL, {"start": "12/31/9999 11:00:00 PM", "end": ""}, "start_in_future"),
    # The hour that the clock skips, and its neighbours.
    (PORTAL, {"start": "03/12/2023 01:45:00 AM", "end": ""}, None),
    (PORTAL, {"start": "03/12/2023 02:00:00 AM", "end": ""}, "start_in_skipped_hour"),
    (PORTAL, {"start": "03/12/2023 02:45:00 AM", "end": ""}, "start_in_skipped_hour"),
    (PORTAL, {"start": "03/12/2023 03:00:00 AM", "end": ""}, None),
    (PORTAL, {"start": "03/05/2023 02:15:00 AM", "end": ""}, None),
    (PORTAL, {"start": "03/19/2023 02:15:00 AM", "end": ""}, None),
    (PORTAL, {"start": "03/13/2023 02:15:00 AM", "end": ""}, None),
    (PORTAL, {"start": "03/14/2021 02:15:00 AM", "end": ""}, "start_in_skipped_hour"),
    (PORTAL, {"start": "03/08/2020 02:15:00 AM", "end": ""}, "start_in_skipped_hour"),
    # The hour that it repeats: there a trip may end before it starts.
    (PORTAL, {"start": "11/05/2023 01:45:00 AM", "end": "11/05/2023 01:15:00 AM"}, None),
    (
        PORTAL,
        {"start": "11/05/2023 02:00:00 AM", "end": "11/05/2023 01:45:00 AM"},
        "ends_before_start",
    ),
    (
        PORTAL,
        {"start": "11/12/2023 01:45:00 AM", "end": "11/12/2023 01:15:00 AM"},
        "ends_before_start",
    ),
    # Numbers.
    (PORTAL, {"seconds": "", "miles": "", "fare": ""}, None),
    (PORTAL, {"seconds": "ten"}, "number_unreadable"),
    (PORTAL, {"miles": "NaN"}, "number_unreadable"),
    (PORTAL, {"miles": "Infinity"}, "number_unreadable"),
    (PORTAL, {"miles": "1_0"}, "number_unreadable"),
    (PORTAL, {"seconds": "1_000"}, "number_unreadable"),
    (PORTAL, {"pickup_area": "0_8"}, "number_unreadable"),
    (PORTAL, {"total": "$1_000_0.5_0"}, "number_unreadable"),
    (PORTAL, {"miles": "\uff11\uff10"}, "number_unreadable"),
    (PORTAL, {"fare": "$\uff11\uff10"}, "number_unreadable"),
    (PORTAL, {"miles": "\u0661\u0660"}, "number_unreadable"),
    (PORTAL, {"miles": "nan"}, "number_unreadable"),
    (PORTAL, {"miles": "inf"}, "number_unreadable"),
    (PORTAL, {"miles": "5\t"}, None),
    (PORTAL, {"miles": "\t5"}, None),
    (PORTAL, {"miles": "\x1c5"}, "number_unreadable"),
    (PORTAL, {"miles": "5\x0e"}, "number_unreadable"),
    (PORTAL, {"miles": "\u00a05"}, "number_unreadable"),
    (PORTAL, {"miles": " 5 "}, None),
    (PORTAL, {"miles": "5."}, None),
    (PORTAL, {"miles": "+5"}, None),
    (PORTAL, {"miles": "1e-100000"}, None),
    (PORTAL, {"miles": "1e100000"}, "number_unreadable"),
    (PORTAL, {"miles": "1E1"}, None),
    (PORTAL, {"miles": "1e"}, "number_unreadable"),
    (PORTAL, {"miles": "1__0"}, "number_unreadable"),
    (PORTAL, {"seconds": "_1"}, "number_unreadable"),
    (PORTAL, {"fare": "$1_"}, "number_unreadable"),
    (PORTAL, {"miles": "0x1p3"}, "number_unreadable"),
    (PORTAL, {"miles": "1.5d"}, "number_unreadable"),
    (PORTAL, {"miles": "1,5"}, "number_unreadable"),
    (PORTAL, {"miles": " "}, "number_unreadable"),
    (PORTAL, {"miles": "12345678901234567890"}, "number_unreadable"),
    (PORTAL, {"miles": ".5"}, None),
    (PORTAL, {"miles": "1e1"}, None),
    (PORTAL, {"miles": "0.004"}, None),
    (PORTAL, {"miles": "0.005"}, None),
    (PORTAL, {"miles": "-0.01"}, "negative_distance"),
    (PORTAL, {"miles": "1000"}, None),
    (PORTAL, {"miles": "1000.01"}, "too_far"),
    (PORTAL, {"seconds": "-1"}, "negative_duration"),
    (PORTAL, {"seconds": "86400"}, None),
    (PORTAL, {"seconds": "86401"}, "too_long"),
    (PORTAL, {"seconds": "600.0"}, None),
    (PORTAL, {"pickup_tract": "n/a"}, "number_unreadable"),
    (PORTAL, {"dropoff_area": "Loop"}, "number_unreadable"),
    (PORTAL, {"dropoff_area": "999999"}, None),
    # Money.
    (PORTAL, {"fare": "$1,234.50"}, None),
    (PORTAL, {"fare": "$1,234,567"}, "too_dear"),
    (PORTAL, {"fare": "-$1,234.50"}, "negative_amount"),
    (PORTAL, {"fare": "$-1,234.50"}, "negative_amount"),
    (PORTAL, {"fare": " $1,234.50 "}, None),
    (PORTAL, {"fare": "$1,23"}, "number_unreadable"),
    (PORTAL, {"fare": "$,123"}, "number_unreadable"),
    (PORTAL, {"fare": "$1234,567"}, "number_unreadable"),
    (PORTAL, {"fare": "1,234.50"}, "number_unreadable"),
    (PORTAL, {"fare": "1,5"}, "number_unreadable"),
    (PORTAL, {"fare": "$$5"}, "number_unreadable"),
    (PORTAL, {"fare": "5$"}, "number_unreadable"),
    (PORTAL, {"fare": "-$-5"}, "number_unreadable"),
    (PORTAL, {"fare": "8.75"}, None),
    (PORTAL, {"fare": "$0.00", "total": "$0.00"}, None),
    (PORTAL, {"fare": "-$8.75"}, "negative_amount"),
    (PORTAL, {"fare": "$-8.75"}, "negative_amount"),
    (PORTAL, {"tips": "-0.01"}, "negative_amount"),
    (PORTAL, {"fare": "€8.75"}, "number_unreadable"),
    (PORTAL, {"fare": "$"}, "number_unreadable"),
    (PORTAL, {"fare": "free"}, "number_unreadable"),
    (PORTAL, {"fare": "$9000.00"}, None),
    (PORTAL, {"fare": "$9000.01"}, "too_dear"),
    # Areas.
    (PORTAL, {"pickup_area": ""}, "no_pickup_area"),
    (PORTAL, {"pickup_area": "0"}, "unknown_pickup_area"),
    (PORTAL, {"pickup_area": "78"}, "unknown_pickup_area"),
    (PORTAL, {"pickup_area": "-8"}, "unknown_pickup_area"),
    (PORTAL, {"pickup_area": "8.5"}, "unknown_pickup_area"),
    (PORTAL, {"pickup_area": "8.0"}, None),
    (PORTAL, {"pickup_area": "77"}, None),
    (PORTAL, {"pickup_area": "1e9"}, "unknown_pickup_area"),
    (PORTAL, {"pickup_area": "Loop"}, "number_unreadable"),
    # The first of several rules counts.
    (PORTAL, {"pickup_area": "", "fare": "-$1.00"}, "no_pickup_area"),
    (PORTAL, {"start": "", "pickup_area": ""}, "start_unreadable"),
    # Texts as they are.
    (PORTAL, {"company": 'Taxi, "Quoted" & Sons'}, None),
    (PORTAL, {"company": "Ünïcode 🚕", "payment_type": ""}, None),
    (PORTAL, {"taxi_id": ""}, None),
    # Times in ISO's form, with the ends that exports have.
    (API, {"start": "2023-04-06T20:45:00.000"}, None),
    (API, {"start": "2023-04-06T20:45:00"}, None),
    (API, {"start": "2023-04-06 20:45:00"}, None),
    (API, {"start": "2023-04-06T20:45:00Z"}, None),
    # With a zone; 20:45 in the zone is after the end in Chicago where the zone is east of it.
    (API, {"start": "2023-04-06T20:45:00-05:00"}, None),
    (API, {"start": "2023-04-07T07:15:00+0530"}, None),
    (API, {"start": "2023-04-07T01:45:00+00:00"}, None),
    (API, {"start": "2023-04-07T01:45:00.000Z"}, None),
    (API, {"start": "2023-04-06 20:45:00 UTC"}, None),
    (API, {"start": "2023-04-06T20:45:00-06:00"}, "ends_before_start"),
    (API, {"end": "2023-04-06T21:00:00+00:00"}, "ends_before_start"),
    (API, {"start": "2023-04-06T20:45:00-5:00"}, "start_unreadable"),
    (API, {"start": "2023-04-06T20:45:00-05:60"}, "start_unreadable"),
    (API, {"start": "2023-04-06T20:45:00+15:00"}, "start_unreadable"),
    (API, {"start": "2023-04-06T20:45:00 CST"}, "start_unreadable"),
    (API, {"start": "2023-04-06T20:45:00UTC"}, "start_unreadable"),
    (API, {"start": "2023-04-06T20:45:00.5"}, "start_unreadable"),
    (API, {"start": "2023-04-06T20:60:00Z"}, "start_unreadable"),
    (API, {"start": "2023-04-06T20:45:00Z\u00a0"}, "start_unreadable"),
    (API, {"start": "2023-04-06"}, "start_unreadable"),
    (API, {"start": "2023-04-31T20:45:00.000"}, "start_unreadable"),
    (API, {"start": "2023-04-06T24:00:00.000"}, "start_unreadable"),
    (API, {"start": "infinity"}, "start_unreadable"),
    (API, {"start": "epoch"}, "start_unreadable"),
    (API, {"start": "04/06/2023 08:45:00 PM"}, "start_unreadable"),
    (API, {"fare": "$8.75"}, None),
    (API, {"pickup_area": "8.0"}, None),
    (API, {"pickup_area": "NULL"}, "number_unreadable"),
    (BIGQUERY, {}, None),
    (BIGQUERY, {"start": "2023-04-06 20:45:00 UTC"}, None),
    (BIGQUERY, {"start": "2023-03-12 02:30:00 UTC", "end": ""}, "start_in_skipped_hour"),
    (BIGQUERY, {"end": "2023-04-06 20:30:00 UTC"}, "ends_before_start"),
    (BIGQUERY, {"start": "2023-04-06T20:45:00Z"}, None),
    (BIGQUERY, {"start": "2023-04-06 20:45:00+00:00"}, None),
    (BIGQUERY, {"start": "2023-04-06T20:45:00-05:00"}, None),
    (BIGQUERY, {"start": "2023-04-06T15:45:00-05:00", "end": "2023-04-06 15:45:00 UTC"}, None),
]


def zoo(folder: Path) -> dict[str, str | None]:
    """Write the zoo, a file per dialect; each identifier's rule, the duplicates' aside."""
    expected: dict[str, str | None] = {}
    rows: dict[str, list[Row]] = {dialect.name: [] for dialect in DIALECTS}
    for number, (dialect, changes, rule) in enumerate(ZOO):
        identifier = f"{number:040x}"
        rows[dialect.name].append(trip(identifier, dialect, **changes))
        expected[identifier] = rule
    rows["portal"] += [
        trip("Trip ID", start="Trip Start Timestamp", fare="Fare"),
        trip("", fare="$1.00"),
        # The same trip more than once, in one file and in two.
        *(trip("twice", fare=fare) for fare in ("$9.00", "$8.00", "$8.00")),
        trip("in two files"),
        # Another month is another trip; a dropped one is no duplicate.
        trip("two months", start="01/31/2023 11:45:00 PM", end=""),
        trip("two months", start="02/01/2023 12:00:00 AM", end=""),
        trip("one dropped", pickup_area=""),
        trip("one dropped"),
    ]
    rows["api"].append(trip("in two files", API, fare="8.75", miles="0.5"))
    for dialect in DIALECTS:
        write(folder / f"{dialect.name}.csv", rows[dialect.name], dialect)
    return expected
