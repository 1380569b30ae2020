"""Batches of predictions: a folder that is complete when it is visible, and a pointer to it.

``predictions/<batch>/`` holds ``part-*.parquet`` and ``batch.json``, which states what made them
and their digests; ``predictions/current`` names the batch to serve, and is replaced last.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from modelseal.regular_files import read_regular
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)
from servicekit.answer_warnings import WARNINGS

from chicagotaxi.parquet_bounds import UnboundedError, unpacked_bytes
from chicagotaxi.schema import CURRENT, ClockTime, prediction_schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = [
    "AGAIN",
    "BATCH",
    "MAX_ROWS",
    "BatchError",
    "BatchInfo",
    "ModelIdentity",
    "PartInfo",
    "TrainingOverlap",
    "read_batch",
    "read_pointer",
]

BATCH: Final = "batch.json"
NAME: Final = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")

# A week of 77 areas has 12,936 rows. To take a batch up while one as large is served took at most
# 1.8 KiB of memory for each row (measured with 100,100 and with 200,200): for so many, 180 MiB,
# which a pod of 512 MiB has beside the service itself.
MAX_ROWS: Final = 100_000
# What to do about any batch that is not as it was made.
AGAIN: Final = "Run `predict` again."

# What so many rows cannot need, with room: the service's own batches have 60 bytes for a row.
MAX_FILE_BYTES: Final = 32 * 2**20
MAX_UNPACKED_BYTES: Final = 64 * 2**20

_MAX_POINTER_BYTES: Final = 256
_MAX_INFO_BYTES: Final = 2**20
_MAX_CELL: Final = 256
_TEXTS: Final = ("demand_category", WARNINGS)

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BatchError(Exception):
    """A batch cannot be served. The message says why, and what to do.

    Attributes:
        code: A stable name of the reason.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelIdentity(_Record):
    """The sealed model behind a batch: its name, its version, its manifest's SHA-256."""

    name: str
    version: str
    sha256: Digest


class PartInfo(_Record):
    """One file of a batch."""

    name: Annotated[str, Field(pattern=r"^part-[0-9]{5}\.parquet$")]
    sha256: Digest
    rows: int = Field(ge=0)


class TrainingOverlap(_Record):
    """How much of what is forecast in the past the model was trained on.

    Attributes:
        rows: Hours and areas with trips, from the first origin to the end of the history.
        compared: Those that could be compared with a sample of the training's.
        seen: Those of the compared ones that the model was trained on.
        share: ``seen`` of ``compared``.
    """

    rows: int = Field(ge=0)
    compared: int = Field(ge=0)
    seen: int = Field(ge=0)
    share: float = Field(ge=0, le=1)


class BatchInfo(_Record):
    """``batch.json``.

    Attributes:
        format: The version of this form.
        batch: The batch's name, which is its folder's.
        created: When it was made, in UTC.
        model: What made it.
        first_hour: The first hour that is predicted, Chicago wall clock.
        last_hour: The last one.
        interval: How often the truth shall lie between `lower` and `upper`.
        rows: Of all parts together.
        parts: The files.
        warnings: How many rows are marked, by code (`chicagotaxi.trained_on`).
        training_overlap: Of a batch of forecasts in the past, how much the model was trained on.
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
    """The name of the batch to serve; None where there is none yet.

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


def read_batch(folder: Path, name: str) -> "tuple[BatchInfo, pa.Table]":
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
            raise BatchError("digest", f"{place / part.name} is not what was written. {AGAIN}")
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


def _read_rows(place: Path, info: BatchInfo, contents: Mapping[str, bytes]) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415

    try:
        files = [_opened(data) for data in contents.values()]
        # By the footers, before anything is expanded: a small file may hold very many rows.
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
        # With the type for nulls that the schema has, a file of other columns fails here.
        return pa.concat_tables(
            [_with_warnings(_checked(file.read())).cast(prediction_schema()) for file in files]
        )
    except UnboundedError as error:
        raise BatchError("size", f"{place} is not read: {error}. {AGAIN}") from error
    except (pa.ArrowException, ValueError, TypeError, KeyError, OSError) as error:
        raise BatchError("form", f"{place} does not hold predictions: {error}. {AGAIN}") from error


def _opened(contents: bytes) -> "pq.ParquetFile":
    """A file whose texts are read as dictionaries: a long one in many rows is then there once."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    buffer = pa.BufferReader(contents)
    # Batches of earlier releases do not have all of them.
    texts = [name for name in _TEXTS if name in pq.read_schema(buffer).names]
    return pq.ParquetFile(pa.BufferReader(contents), read_dictionary=texts)


def _checked(table: "pa.Table") -> "pa.Table":
    """The rows, whose texts are short enough to be written out in each of them."""
    import pyarrow.compute as pc  # noqa: PLC0415

    for name in _TEXTS:
        if name in table.column_names:
            longest = pc.max(pc.binary_length(table[name].unique().cast("string"))).as_py() or 0
            if longest > _MAX_CELL:
                raise UnboundedError(f"{name} has a text of {longest:,} bytes")
    return table


def _with_warnings(table: "pa.Table") -> "pa.Table":
    """The rows with a column of warnings, which batches of earlier releases do not have."""
    import pyarrow as pa  # noqa: PLC0415

    if WARNINGS in table.column_names:
        return table
    return table.append_column(WARNINGS, pa.array([""] * len(table), pa.string()))
