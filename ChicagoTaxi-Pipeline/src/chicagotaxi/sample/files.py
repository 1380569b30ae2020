"""Writes the sample in the three dialects, as CSV or Parquet, chunk by chunk."""

import contextlib
import functools
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
from servicekit.files import DataError, NewFile, write_errors
from servicekit.progress import Advance, silent

from chicagotaxi.city import AREAS, CITY
from chicagotaxi.sample.trips import (
    COMPANIES,
    PAYMENTS,
    TAXIS,
    Chunk,
    SampleOptions,
    dirt_counts,
    generate_chunks,
)
from chicagotaxi.sources.dialects import DIALECTS, Dialect

_TIMES: Final = {
    "portal": "%m/%d/%Y %I:%M:%S %p",
    "api": "%Y-%m-%dT%H:%M:%S.000",
    "bigquery": "%Y-%m-%d %H:%M:%S UTC",
}
# Dirt that columns with types cannot have.
_TEXT_ONLY: Final = ("start_unreadable", "end_unreadable", "number_unreadable")

_CENTROIDS: Final = {
    "portal": (
        "{} Centroid Latitude", "{} Centroid Longitude", "{} Centroid Location",
    ),
    "api": ("{}_centroid_latitude", "{}_centroid_longitude", "{}_centroid_location"),
    "bigquery": ("{}_latitude", "{}_longitude", "{}_location"),
}  # fmt: skip
# Their names in the sources have two blanks or underscores.
_DOUBLED: Final = {
    "Dropoff Centroid Location": "Dropoff Centroid  Location",
    "dropoff_centroid_location": "dropoff_centroid__location",
}

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SampleSummary:
    """Number of rows written, and number of rows that break each rule."""

    rows: int
    dirt: dict[str, int]


def write_sample(
    destination: Path,
    options: SampleOptions,
    *,
    dialect: str = "portal",
    progress: Advance = silent,
) -> SampleSummary:
    """Write a sample.

    Args:
        destination: File to write: .csv, .csv.gz or .parquet. It appears when it is complete.
        options: Options of the sample. Columns of Parquet have types, so that times and numbers in
            it are never unreadable.
        dialect: ``portal``, ``api`` or ``bigquery``.
        progress: Receives the number of rows written.

    Raises:
        DataError: The dialect or the suffix is unknown, or the file cannot be written.
    """
    chosen = _dialect(dialect)
    name = destination.name.lower()
    if not name.endswith((".csv", ".csv.gz", ".parquet")):
        raise DataError(f"{destination}: name it .csv, .csv.gz or .parquet.")
    typed = name.endswith(".parquet")
    if typed:
        kept = {rule: share for rule, share in options.dirt.items() if rule not in _TEXT_ONLY}
        options = replace(options, dirt=kept)
    try:
        counts = dirt_counts(options)
    except ValueError as error:
        raise DataError(f"{error} Give smaller shares.") from error
    encoder = _Encoder(chosen, typed=typed)
    with (
        NewFile(destination) as file,
        write_errors(destination),
        _writer(file.path, name, encoder.schema()) as write,
    ):
        for chunk in generate_chunks(options):
            write(encoder.table(chunk))
            progress(len(chunk.taxi))
    return SampleSummary(options.rows, counts)


def _in_unit(miles: Ints) -> Ints:
    """Hundredths of a mile in hundredths of the source's unit."""
    return np.asarray(np.round(miles / CITY.miles_per_unit), dtype=np.int64)


def _dialect(name: str) -> Dialect:
    for dialect in DIALECTS:
        if dialect.name == name:
            return dialect
    known = ", ".join(one.name for one in DIALECTS)
    raise DataError(f"There is no dialect {name!r}. Give one of {known}.")


@contextlib.contextmanager
def _writer(path: Path, name: str, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    if name.endswith(".parquet"):
        # To an open file, because Arrow does not accept paths that are not UTF-8.
        with path.open("wb") as file, pq.ParquetWriter(file, schema, compression="zstd") as parquet:
            yield parquet.write_table
        return
    with contextlib.ExitStack() as stack:
        sink: IO[bytes] | gzip.GzipFile
        if name.endswith(".gz"):
            sink = stack.enter_context(gzip.open(path, "wb", compresslevel=1))
        else:
            sink = stack.enter_context(path.open("wb"))
        options = pc_csv.WriteOptions(quoting_style="none")
        text = stack.enter_context(pc_csv.CSVWriter(sink, schema, write_options=options))
        yield text.write_table


class _Encoder:
    """Converts chunks to tables, by look-ups in tables of texts that are made once."""

    def __init__(self, dialect: Dialect, *, typed: bool) -> None:
        self._dialect = dialect
        self._typed = typed
        draw = np.random.default_rng(0)
        self._taxis = pa.array([draw.bytes(64).hex() for _ in range(TAXIS)])
        self._areas = pa.array([str(area) for area in range(AREAS[-1] + 2)])
        latitude = [42.01 - 0.0047 * area for area in range(AREAS[-1] + 2)]
        longitude = [-87.6 - 0.003 * (37 * area % 77) for area in range(AREAS[-1] + 2)]
        self._places = (
            self._decimals(latitude),
            self._decimals(longitude),
            pa.array(
                [f"POINT ({x:.6f} {y:.6f})" for x, y in zip(longitude, latitude, strict=True)]
            ),
        )
        tracts = pa.array([f"17031{area:02d}0100" for area in range(AREAS[-1] + 2)])
        # Columns of whole numbers with blanks are floats in the portal's exports.
        self._tracts = tracts.cast(pa.float64()) if typed else tracts

    def _decimals(self, values: list[float]) -> pa.Array:
        return pa.array(values if self._typed else [f"{value:.6f}" for value in values])

    def schema(self) -> pa.Schema:
        return self.table(next(generate_chunks(SampleOptions(1, dirt={})))).schema

    def table(self, chunk: Chunk) -> pa.Table:
        """The columns of the dialect, in their order."""
        unknown = chunk.pickup < 0
        total = chunk.fare + chunk.tips + chunk.tolls + chunk.extras
        ours = {
            "trip_id": _texts(chunk.trip_id, chunk.broken.get("no_trip_id")),
            "taxi_id": self._taxis.take(pa.array(chunk.taxi)),
            "start": self._times(chunk.start, chunk.broken.get("start_unreadable")),
            "end": self._times(chunk.end, chunk.broken.get("end_unreadable")),
            "seconds": self._whole(chunk.seconds),
            "miles": self._hundredths(
                _in_unit(chunk.hundredths), chunk.broken.get("number_unreadable")
            ),
            "pickup_tract": self._take(
                self._tracts, np.where(chunk.taxi % 3 == 0, -1, chunk.pickup)
            ),
            "dropoff_tract": self._take(
                self._tracts, np.where(chunk.taxi % 3 == 0, -1, chunk.dropoff)
            ),
            "pickup_area": self._area(chunk.pickup),
            "dropoff_area": self._area(chunk.dropoff),
            "fare": self._money(chunk.fare),
            "tips": self._money(chunk.tips),
            "tolls": self._money(chunk.tolls),
            "extras": self._money(chunk.extras),
            "total": self._money(total),
            "payment_type": pa.array(PAYMENTS).take(pa.array(chunk.payment)),
            "company": pa.array(COMPANIES).take(pa.array(chunk.company)),
        }
        columns = {self._dialect.columns[name]: values for name, values in ours.items()}
        for side, area in (("Pickup", chunk.pickup), ("Dropoff", chunk.dropoff)):
            word = side if self._dialect.name == "portal" else side.lower()
            for form, place in zip(_CENTROIDS[self._dialect.name], self._places, strict=True):
                title = form.format(word)
                columns[_DOUBLED.get(title, title)] = self._take(place, area)
        if self._dialect.name == "portal":
            columns["Community Areas"] = self._take(pa.array(["37"]), np.where(unknown, -1, 0))
        return pa.table(columns)

    def _take(self, values: pa.Array, index: Ints) -> pa.Array:
        return values.take(pa.array(index, mask=index < 0))

    def _area(self, areas: Ints) -> pa.Array:
        if self._typed and self._dialect.name == "bigquery":
            return pa.array(areas, mask=areas < 0)
        return self._take(self._areas, areas)

    def _times(self, times: npt.NDArray[np.datetime64], spoiled: Ints | None) -> pa.Array:
        if self._typed:
            zone = "UTC" if self._dialect.name == "bigquery" else None
            return pa.array(times.astype("datetime64[us]"), pa.timestamp("us", zone))
        few, index = _distinct(times.astype("datetime64[s]"))
        pattern = _TIMES[self._dialect.name]
        texts = [_clock(time, pattern) for time in few]
        return _spoiled(pa.array(texts), index, spoiled, "yesterday evening")

    def _whole(self, values: Ints) -> pa.Array:
        if self._typed:
            return pa.array(values.astype(np.float64) if self._dialect.name == "api" else values)
        return pa.array(values).cast(pa.string())

    def _hundredths(self, values: Ints, spoiled: Ints | None = None, mark: str = "") -> pa.Array:
        if self._typed:
            return pa.array(values / 100.0)
        few, index = _distinct(values)
        texts = [f"{'-' if one < 0 else ''}{mark}{abs(one) / 100:.2f}" for one in few]
        return _spoiled(pa.array(texts), index, spoiled, "n/a")

    def _money(self, cents: Ints) -> pa.Array:
        return self._hundredths(cents, mark="$" if self._dialect.name == "portal" else "")


@functools.lru_cache(maxsize=200_000)
def _clock(time: datetime, pattern: str) -> str:
    return time.strftime(pattern)


def _distinct(values: npt.NDArray[Any]) -> tuple[list[Any], Ints]:
    encoded = pa.array(values).dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)


def _texts(values: npt.NDArray[np.bytes_], unknown: Ints | None) -> pa.Array:
    texts = pa.array(values).cast(pa.string())
    if unknown is None or not len(unknown):
        return texts
    mask = np.zeros(len(values), dtype=bool)
    mask[unknown] = True
    return pa.compute.if_else(pa.array(mask), None, texts)


def _spoiled(few: pa.Array, index: Ints, spoiled: Ints | None, text: str) -> pa.Array:
    if spoiled is not None and len(spoiled):
        index = index.copy()
        index[spoiled] = len(few)
    return pa.concat_arrays([few, pa.array([text])]).take(pa.array(index))
