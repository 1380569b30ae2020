"""Reads and verifies batches of predictions.

``predictions/<batch>/`` holds ``part-*.parquet`` and ``batch.json`` with their model and digests.
``predictions/current`` is the pointer: it names the batch to serve.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from modelseal.bounded_read import read_regular
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from servicekit.answer_warnings import WARNINGS

from chicagotaxi.arrow_schemas import prediction_schema
from chicagotaxi.batch.parquet_bounds import UnboundedError, unpacked_bytes
from chicagotaxi.schema import CURRENT, ClockTime

BATCH: Final = "batch.json"
NAME: Final = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")

# A week of 77 areas has 12,936 rows. To load a batch while one of the same size is served took at
# most 1.8 KiB of memory a row (measured with 100,100 and with 200,200 rows): 180 MiB, which a pod
# of 512 MiB has in addition to the service itself.
MAX_ROWS: Final = 100_000
# The remedy for a batch that was changed or damaged.
AGAIN: Final = "Run `predict` again."

# More than so many rows need: the service's own batches have 60 bytes a row.
MAX_FILE_BYTES: Final = 32 * 2**20
MAX_UNPACKED_BYTES: Final = 64 * 2**20

_MAX_POINTER_BYTES: Final = 256
_MAX_INFO_BYTES: Final = 2**20
_MAX_CELL: Final = 256
_TEXTS: Final = ("demand_category", WARNINGS)

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BatchError(Exception):
    """A batch cannot be served. The message has the reason and the remedy.

    Attributes:
        code: Stable name of the reason.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelIdentity(_Record):
    """The sealed model of a batch: its name, its version, and its manifest's SHA-256."""

    name: str
    version: str
    sha256: Digest


class PartInfo(_Record):
    """One file of a batch."""

    name: Annotated[str, Field(pattern=r"^part-[0-9]{5}\.parquet$")]
    sha256: Digest
    rows: int = Field(ge=0)


class TrainingOverlap(_Record):
    """Share of a hindcast's rows that the model was trained on.

    Attributes:
        rows: Number of hours and areas with trips, from the first origin to the end of the history.
        compared: Number of these that could be compared with a sample of the training rows.
        seen: Number of the compared ones that the model was trained on.
        share: ``seen`` over ``compared``.
    """

    rows: int = Field(ge=0)
    compared: int = Field(ge=0)
    seen: int = Field(ge=0)
    share: float = Field(ge=0, le=1)


class BatchInfo(_Record):
    """``batch.json``.

    Attributes:
        format: Version of this format.
        batch: Name of the batch and of its folder.
        created: When it was made, in UTC.
        model: The model that made it.
        first_hour: First predicted hour, on the city's clock.
        last_hour: Last predicted hour.
        interval: Intended share of truths between `lower` and `upper`.
        rows: Number of rows of all parts.
        parts: The files.
        warnings: Number of rows with each warning, by code (`chicagotaxi.forecast.warnings`).
        training_overlap: For a hindcast, the share of its rows that the model was trained on.
    """

    format: Literal[1] = 1
    batch: str
    created: AwareDatetime
    model: ModelIdentity
    first_hour: ClockTime
    last_hour: ClockTime
    interval: float = Field(gt=0, lt=1)
    rows: int = Field(ge=1)
    parts: list[PartInfo] = Field(min_length=1)
    warnings: dict[str, Annotated[int, Field(ge=1)]] = {}
    training_overlap: TrainingOverlap | None = None


def read_pointer(folder: Path) -> str | None:
    """The name of the batch to serve; None if there is none yet.

    Raises:
        BatchError: The pointer cannot be read or names no batch.
    """
    try:
        raw = read_regular(folder / CURRENT, _MAX_POINTER_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BatchError(
            "pointer", f"{folder / CURRENT} cannot be read: {error}. {AGAIN}"
        ) from error
    name = raw.decode("ascii", errors="replace").strip()
    if not NAME.fullmatch(name):
        raise BatchError("pointer", f"{folder / CURRENT} names no batch: {name[:60]!r}. {AGAIN}")
    return name


def read_batch(folder: Path, name: str) -> tuple[BatchInfo, pa.Table]:
    """Read and verify a batch.

    Raises:
        BatchError: It is missing, incomplete, changed, too large, or not a batch.
    """
    place = folder / name
    try:
        raw = read_regular(place / BATCH, _MAX_INFO_BYTES)
        if len(raw) > _MAX_INFO_BYTES:
            raise _too_large(place / BATCH, _MAX_INFO_BYTES)
        info = BatchInfo.model_validate_json(raw)
        contents = _read_parts(place, info)
    except OSError as error:
        raise BatchError("missing", f"{place} cannot be read: {error}. {AGAIN}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BatchError(
            "form", f"{place / BATCH} does not describe a batch: {where}: {first['msg']}. {AGAIN}"
        ) from error
    if info.batch != name:
        raise BatchError("form", f"{place / BATCH} describes {info.batch}, another batch. {AGAIN}")
    for part in info.parts:
        if hashlib.sha256(contents[part.name]).hexdigest() != part.sha256:
            raise BatchError(
                "digest", f"{place / part.name} was changed after it was written. {AGAIN}"
            )
    return info, _read_rows(place, info, contents)


def _read_parts(place: Path, info: BatchInfo) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    left = MAX_FILE_BYTES
    for part in info.parts:
        contents[part.name] = read_regular(place / part.name, left)
        left -= len(contents[part.name])
        if left < 0:
            raise _too_large(place, MAX_FILE_BYTES)
    return contents


def _too_large(place: Path, most: int) -> BatchError:
    return BatchError("size", f"{place} has more than {most:,} bytes. {AGAIN}")


def _read_rows(place: Path, info: BatchInfo, contents: Mapping[str, bytes]) -> pa.Table:
    try:
        files = [_opened(data) for data in contents.values()]
        # By the footers, before anything is unpacked: a small file may have very many rows.
        rows = sum(file.metadata.num_rows for file in files)
        if rows != info.rows:
            raise BatchError("rows", f"{place} has {rows} rows, not {info.rows}. {AGAIN}")
        if rows > MAX_ROWS:
            raise BatchError(
                "rows",
                f"{place} has {rows} rows, more than the {MAX_ROWS} that fit into the service's "
                f"memory. {AGAIN}",
            )
        unpacked = sum(
            unpacked_bytes(data, file.metadata)
            for data, file in zip(contents.values(), files, strict=True)
        )
        if unpacked > MAX_UNPACKED_BYTES:
            raise BatchError(
                "size",
                f"{place} unpacks to {unpacked:,} bytes, more than the {MAX_UNPACKED_BYTES:,} that "
                f"a batch may have. {AGAIN}",
            )
        # A file with other columns, or with nulls where the schema has none, fails here.
        return pa.concat_tables(
            [_with_warnings(_checked(file.read())).cast(prediction_schema()) for file in files]
        )
    except UnboundedError as error:
        raise BatchError("size", f"{place} is not read: {error}. {AGAIN}") from error
    except (pa.ArrowException, ValueError, TypeError, KeyError, OSError) as error:
        raise BatchError("form", f"{place} does not hold predictions: {error}. {AGAIN}") from error


def _opened(contents: bytes) -> pq.ParquetFile:
    """Open a file so that texts are read as dictionaries: a text in many rows is in memory once."""
    buffer = pa.BufferReader(contents)
    # Batches of earlier releases do not have all of them.
    texts = [name for name in _TEXTS if name in pq.read_schema(buffer).names]
    return pq.ParquetFile(pa.BufferReader(contents), read_dictionary=texts)


def _checked(table: pa.Table) -> pa.Table:
    """Check that texts are short enough to be in memory once for each row."""
    for name in _TEXTS:
        if name in table.column_names:
            longest = pc.max(pc.binary_length(table[name].unique().cast("string"))).as_py() or 0
            if longest > _MAX_CELL:
                raise UnboundedError(f"{name} has a text of {longest:,} bytes")
    return table


def _with_warnings(table: pa.Table) -> pa.Table:
    """Add the column of warnings, which batches of earlier releases do not have."""
    if WARNINGS in table.column_names:
        return table
    return table.append_column(WARNINGS, pa.array([""] * len(table), pa.string()))
