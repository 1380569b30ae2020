"""Input files of forms that trips come in elsewhere, each with what must come of its rows.

What is right is computed here with Python's own dates and numbers, not with the code under test.
"""

import csv
import itertools
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from chicagotaxi.sources.dialects import Dialect
from trips import API, BIGQUERY, PORTAL, trip

CHICAGO: Final = ZoneInfo("America/Chicago")
ZONES: Final = ("America/Chicago", "Asia/Kolkata", "Europe/London", "+05:30", "-06:00", "UTC")
UNITS: Final = ("ms", "us", "ns")
OFFSETS: Final = (-720, -360, -300, -210, 0, 60, 330, 345, 840)
# Names of columns that the pipeline must not trip over; all of them are in one header.
ODD_NAMES: Final = (
    "",
    "",
    "twice",
    "twice",
    "FARE",
    "Trip_Id",
    "__source__",
    "__SOURCE__",
    "__group__",
    "__row__",
    "source",
    "filename",
    "start",
    "rule",
    "raw",
    "tally",
    "given_fare",
    "_corrupt_record",
    "_metadata",
    "unread 0",
    'a "quoted" name',
    "it's",
    "back`tick",
    "a.b",
    "a,b",
    "1",
    "🚕",
    *(f"column {number}" for number in range(1_000)),
)


@dataclass
class Expected:
    """What must come of the rows of some files.

    Attributes:
        starts: The start of each trip that is kept, by its identifier.
        miles: The miles of some of them; None where they are unknown.
        fares: The fares of some of them.
        dropped: The rule of each trip that is dropped.
        marked: How many rows have each mark.
    """

    starts: dict[str, datetime] = field(default_factory=dict)
    miles: dict[str, float | None] = field(default_factory=dict)
    fares: dict[str, float] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    marked: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("zone_converted", "utc_is_chicagos_clock", "utc_converted", "utc_in_doubt"), 0
        )
    )


def instants() -> list[datetime]:
    """Instants of many kinds: at random, and all around the nights when the clock changes."""
    draw = random.Random(7)  # noqa: S311 - no secret
    first = datetime(2013, 1, 2, tzinfo=UTC)
    found = [first + timedelta(minutes=15 * draw.randrange(350_000)) for _ in range(30)]
    for night in ((2016, 3, 13), (2016, 11, 6), (2022, 3, 13), (2022, 11, 6)):
        begin = datetime(*night, 4, tzinfo=UTC)
        found += [begin + timedelta(minutes=30 * step) for step in range(14)]
    return found


def write_zones(folder: Path, expected: Expected, *, few: bool) -> None:
    """Write the same instants with every zone, unit and form of text.

    Args:
        folder: A new folder.
        expected: Where the outcome is noted.
        few: Whether to write each zone and each unit in some file instead of all combinations:
            Spark takes minutes to plan for as many tables.
    """
    folder.mkdir()
    combinations = list(itertools.product((API, BIGQUERY, PORTAL), ZONES, UNITS))
    if few:
        # Among one of five is every dialect, zone and unit, and UTC with and without BigQuery's.
        combinations = combinations[::5]
    for dialect, zone, unit in combinations:
        name = f"{dialect.name} {zone} {unit}".replace("/", "-").replace(":", "")
        _write_instants(folder / name, dialect, pa.timestamp(unit, zone), expected)
    # INT96 has no zone; only Arrow leaves a note of the one that it had.
    for name, kind, schema in (
        ("zoned", pa.timestamp("ns", "America/Chicago"), True),
        ("unknown", pa.timestamp("ns", "America/Chicago"), False),
        ("clock", pa.timestamp("ns"), True),
    ):
        path = folder / f"int96 {name}"
        _write_instants(path, API, kind, expected, int96=True, store_schema=schema)
    for dialect in (API, BIGQUERY):
        _write_texts(folder / f"{dialect.name}.csv", dialect, expected)


def write_numbers(path: Path, expected: Expected) -> None:
    """Write cells that are numbers, or nearly, as miles and as fares."""
    draw = random.Random(11)  # noqa: S311 - no secret
    rows = []
    for number, cell in enumerate(_cells(draw)):
        rows.append(trip(f"miles {number}", API, miles=cell))
        _expect_miles(f"miles {number}", cell, expected)
    for number, cell in enumerate(_cells(draw, money=True)):
        rows.append(trip(f"fare {number}", API, fare=cell, total="1"))
        _expect_fare(f"fare {number}", cell, expected)
    _write_csv(path, API, rows)
    kept = expected.miles.keys() | expected.fares.keys()
    expected.starts |= dict.fromkeys(kept, datetime(2023, 4, 6, 20, 45))  # noqa: DTZ001


def write_names(folder: Path, expected: Expected) -> None:
    """Write tables among whose columns are others with odd names, before and after ours."""
    folder.mkdir()
    ours = list(API.columns.values())
    for number, place in enumerate((0, 5, len(ours))):
        header = [*ours[:place], *ODD_NAMES, *ours[place:]]
        with (folder / f"{number}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            for row in range(3):
                cells = [trip(f"csv {number} {row}", API)[name] for name in API.columns]
                writer.writerow([*cells[:place], *("x" for _ in ODD_NAMES), *cells[place:]])
                expected.starts[f"csv {number} {row}"] = datetime(2023, 4, 6, 20, 45)  # noqa: DTZ001
        # Two files each, so that they are read together.
        for half in (0, 1):
            rows = [trip(f"parquet {number} {half} {row}", API) for row in range(3)]
            values = [pa.array([one[name] for one in rows]) for name in API.columns]
            odd = [pa.array([1, 2, 3]) for _ in ODD_NAMES]
            table = pa.Table.from_arrays([*values[:place], *odd, *values[place:]], names=header)
            pq.write_table(table, folder / f"{number} {half}.parquet")
            for one in rows:
                expected.starts[one["trip_id"]] = datetime(2023, 4, 6, 20, 45)  # noqa: DTZ001
    # A line break in a name, and bytes that are no text.
    (folder / "bytes.csv").write_bytes(
        b'"a\nb",caf\xe9,' + ",".join(ours).encode() + b"\n1,2,"
        + ",".join(trip("bytes", API)[name] for name in API.columns).encode() + b"\n"
    )  # fmt: skip
    expected.starts["bytes"] = datetime(2023, 4, 6, 20, 45)  # noqa: DTZ001


def _write_instants(
    path: Path,
    dialect: Dialect,
    kind: pa.DataType,
    expected: Expected,
    *,
    int96: bool = False,
    store_schema: bool = True,
) -> None:
    times = instants()
    columns = {source: _strings(name, dialect, path.name, times)
               for name, source in dialect.columns.items()}  # fmt: skip
    values = [int(time.timestamp()) for time in times]
    seconds = pa.array(values, pa.timestamp("s")).cast(pa.timestamp(kind.unit)).cast(pa.int64())
    columns[dialect.columns["start"]] = seconds.cast(kind)
    columns[dialect.columns["end"]] = pa.nulls(len(times), kind)
    pq.write_table(
        pa.table(columns),
        path.with_name(f"{path.name}.parquet"),
        use_deprecated_int96_timestamps=int96,
        store_schema=store_schema,
    )
    messages = kind.tz if store_schema else "UTC"
    for number, time in enumerate(times):
        if messages is None or (messages == "UTC" and dialect is BIGQUERY):
            _expect(f"{path.name} {number}", time.replace(tzinfo=None), expected)
        else:
            _expect(f"{path.name} {number}", _on_chicagos_clock(time), expected)
    if messages == "UTC":
        mark = "utc_is_chicagos_clock" if dialect is BIGQUERY else "utc_converted"
        expected.marked[mark] += len(times)
    elif messages is not None:
        expected.marked["zone_converted"] += len(times)


def _write_texts(path: Path, dialect: Dialect, expected: Expected) -> None:
    rows = []
    for number, time in enumerate(instants()):
        for minutes in OFFSETS:
            local = time.astimezone(timezone(timedelta(minutes=minutes)))
            for form, zone in enumerate(_zone_texts(minutes)):
                identifier = f"{path.name} {number} {minutes} {form}"
                separator, fraction = ("T", ".000") if form % 2 else (" ", "")
                text = f"{local:%Y-%m-%d{separator}%H:%M:%S}{fraction}{zone}"
                rows.append(trip(identifier, dialect, start=text, end=""))
                as_written = minutes == 0 and (dialect is BIGQUERY or zone == " UTC")
                _expect(
                    identifier,
                    time.replace(tzinfo=None) if as_written else _on_chicagos_clock(time),
                    expected,
                )
                expected.marked[_text_mark(dialect, minutes, zone)] += 1
    _write_csv(path, dialect, rows)


def _text_mark(dialect: Dialect, minutes: int, zone: str) -> str:
    if minutes:
        return "zone_converted"
    if dialect is BIGQUERY:
        return "utc_is_chicagos_clock"
    return "utc_in_doubt" if zone == " UTC" else "utc_converted"


def _zone_texts(minutes: int) -> list[str]:
    sign, hours, rest = "-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60
    forms = [f"{sign}{hours:02d}:{rest:02d}", f"{sign}{hours:02d}{rest:02d}",
             f" {sign}{hours:02d}:{rest:02d}"]  # fmt: skip
    if not rest:
        forms.append(f"{sign}{hours:02d}")
    return [*forms, "Z", " UTC"] if minutes == 0 else forms


def _on_chicagos_clock(time: datetime) -> datetime:
    return time.astimezone(CHICAGO).replace(tzinfo=None)


def _expect(identifier: str, clock: datetime, expected: Expected) -> None:
    """A start that is taken as it is written may be in the hour that the clock skips."""
    night = (clock.year, clock.month, clock.day)
    if clock.hour == 2 and night in {(2016, 3, 13), (2022, 3, 13)}:
        expected.dropped[identifier] = "start_in_skipped_hour"
    else:
        expected.starts[identifier] = clock


def _strings(name: str, dialect: Dialect, prefix: str, times: Sequence[datetime]) -> pa.Array:
    return pa.array(
        [trip(f"{prefix} {number}", dialect)[name] or None for number in range(len(times))],
        pa.string(),
    )


def _write_csv(path: Path, dialect: Dialect, rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(dialect.columns.values())
        writer.writerows([row[name] for name in dialect.columns] for row in rows)


# As `servicekit.numbers` has it, but for a point that may follow a power of ten.
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+\.?)?")
_AMOUNT: Final = re.compile(r"([+-]?\$|\$[+-])([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]*)?")
_SIGNS: Final = "01234567890123456789..+-eE__,  \t$dfx\uff11\u0663\u00a0"
_WORDS: Final = ("nan", "NaN", "inf", "Infinity", "0x", "e5", "e-3", "1_000", ",000", "null")
_PIECES: Final = (*_SIGNS, *_WORDS)


def _cells(draw: random.Random, *, money: bool = False) -> list[str]:
    cells = ["1_000", "nan", "inf", "-inf", "1e5", "1e-400", "1e-100000", "0e100000", "1e0002"]
    cells += ["5.", ".5", ".", "", " ", "1 0", "\uff11\uff10", "1,5", "0.005", "0.0049999999999999"]
    cells += ["9" * 40, "0" * 40 + "7", "1." + "3" * 60]
    for _ in range(1_500):
        if draw.random() < 0.4:
            text = f"{draw.choice(['', '-', '+'])}{draw.randrange(2_000)}"
            text += draw.choice(["", ".", f".{draw.randrange(100_000)}"])
            text += draw.choice(["", "", f"e{draw.randrange(-6, 4)}"])
            cells.append(draw.choice(["", "", " "]) + text + draw.choice(["", "", "  "]))
        else:
            cells.append("".join(draw.choices(_PIECES, k=draw.randrange(1, 7))))
    if money:
        cells += [f"{draw.choice(['$', '-$', '$-', ' $', '+$'])}{cell}" for cell in cells]
        cells += [f"${draw.randrange(1, 9_000):,}.{draw.randrange(100):02d}" for _ in range(100)]
    return cells


def _parse(cell: str, *, money: bool) -> Decimal | None:
    text = cell.strip(" \t")
    if money and _AMOUNT.fullmatch(text):
        return Decimal(text.replace("$", "").replace(",", ""))
    if money:
        text = cell.removeprefix("$").strip(" \t")
    if _NUMBER.fullmatch(text) is None:
        return None
    return Decimal(text.removesuffix(".") if "e" in text.lower() else text)


def _expect_miles(identifier: str, cell: str, expected: Expected) -> None:
    if cell == "":
        expected.miles[identifier] = None
        return
    found = _hundredths(_parse(cell, money=False))
    if found is None:
        expected.dropped[identifier] = "number_unreadable"
    elif found < 0:
        expected.dropped[identifier] = "negative_distance"
    elif found > 1_000:
        expected.dropped[identifier] = "too_far"
    else:
        expected.miles[identifier] = float(found)


def _expect_fare(identifier: str, cell: str, expected: Expected) -> None:
    if cell == "":
        return
    found = _hundredths(_parse(cell, money=True))
    if found is None:
        expected.dropped[identifier] = "number_unreadable"
    elif found < 0:
        expected.dropped[identifier] = "negative_amount"
    elif found > 9_000:
        expected.dropped[identifier] = "too_dear"
    else:
        expected.fares[identifier] = float(found)


def _hundredths(number: Decimal | None) -> Decimal | None:
    """To two places, as the pipeline keeps it; None where it has more digits than it can hold."""
    if number is None or (number and number.adjusted() >= 16):
        return None
    return number.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP) if number else Decimal(0)
