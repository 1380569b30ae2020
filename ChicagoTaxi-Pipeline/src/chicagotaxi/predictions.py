"""Batches of predictions: a folder that is complete when it is visible, and a pointer to it.

``predictions/<batch>/`` holds ``part-*.parquet`` and ``batch.json``, which states what made them
and their digests; ``predictions/current`` names the batch to serve, and is replaced last.
"""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime, ValidationError
from servicekit.files import NewFile, write_errors

from chicagotaxi.schema import CURRENT, prediction_schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "AGAIN",
    "BATCH",
    "MAX_ROWS",
    "BatchError",
    "BatchInfo",
    "ModelIdentity",
    "PartInfo",
    "read_batch",
    "read_pointer",
    "write_batch",
]

BATCH: Final = "batch.json"
# Whoever reads a batch that was replaced must be able to finish.
KEPT: Final = 3

# A week of 77 areas has 12,936 rows. To take a batch up while one as large is served took at most
# 1.8 KiB of memory for each row (measured with 100,100 and with 200,200): for so many, 180 MiB,
# which a pod of 512 MiB has beside the service itself.
MAX_ROWS: Final = 100_000
# What to do about any batch that is not as it was made.
AGAIN: Final = "Run `predict` again."

_NAME: Final = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{8}")
_MAX_POINTER_BYTES: Final = 256

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
    """

    format: Literal[1] = 1
    batch: str
    created: AwareDatetime
    model: ModelIdentity
    first_hour: NaiveDatetime
    last_hour: NaiveDatetime
    interval: float
    rows: int = Field(ge=1)
    parts: list[PartInfo] = Field(min_length=1)


def write_batch(
    folder: Path, tables: Sequence["pa.Table"], *, model: ModelIdentity, interval: float
) -> BatchInfo:
    """Write a batch and point to it.

    Args:
        folder: The folder of all batches.
        tables: The predictions, sorted by `start` and `pickup_community_area`; a part each.
        model: What made them.
        interval: The coverage of the intervals.

    Raises:
        DataError: It cannot be written. The pointer, and what it points to, are as they were.
    """
    import pyarrow.compute as pc  # noqa: PLC0415 - the readers of pointers do without
    import pyarrow.parquet as pq  # noqa: PLC0415

    created = datetime.now(UTC)
    name = f"{created:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder))
    try:
        with write_errors(folder / name):
            parts = []
            for number, table in enumerate(tables):
                part = staging / f"part-{number:05d}.parquet"
                pq.write_table(table.cast(prediction_schema()), part, compression="zstd")
                digest = hashlib.sha256(part.read_bytes()).hexdigest()
                parts.append(PartInfo(name=part.name, sha256=digest, rows=table.num_rows))
            info = BatchInfo(
                batch=name,
                created=created,
                model=model,
                first_hour=min(pc.min(table["start"]).as_py() for table in tables),
                last_hour=max(pc.max(table["start"]).as_py() for table in tables),
                interval=interval,
                rows=sum(part.rows for part in parts),
                parts=parts,
            )
            (staging / BATCH).write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")
            _make_durable(staging)
            staging.chmod(0o755)
            staging.rename(folder / name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    with NewFile(folder / CURRENT) as pointer:
        pointer.write(f"{name}\n".encode())
    _prune(folder, name)
    return info


def read_pointer(folder: Path) -> str | None:
    """The name of the batch to serve; None where there is none yet.

    Raises:
        BatchError: The pointer cannot be read or names no batch.
    """
    try:
        with (folder / CURRENT).open("rb") as file:
            raw = file.read(_MAX_POINTER_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BatchError(
            "pointer", f"{folder / CURRENT} cannot be read: {error}. {AGAIN}"
        ) from error
    name = raw.decode("ascii", errors="replace").strip()
    if not _NAME.fullmatch(name):
        raise BatchError("pointer", f"{folder / CURRENT} names no batch: {name[:60]!r}. {AGAIN}")
    return name


def read_batch(folder: Path, name: str) -> "tuple[BatchInfo, pa.Table]":
    """Read and verify a batch.

    Raises:
        BatchError: It is missing, incomplete, changed, or not a batch.
    """
    place = folder / name
    try:
        info = BatchInfo.model_validate_json((place / BATCH).read_bytes())
        contents = {part.name: (place / part.name).read_bytes() for part in info.parts}
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


def _read_rows(place: Path, info: BatchInfo, contents: Mapping[str, bytes]) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        files = [pq.ParquetFile(pa.BufferReader(data)) for data in contents.values()]
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
        # With the type for nulls that the schema has, a file of other columns fails here.
        return pa.concat_tables([file.read().cast(prediction_schema()) for file in files])
    except (pa.ArrowException, ValueError, TypeError, KeyError, OSError) as error:
        raise BatchError("form", f"{place} does not hold predictions: {error}. {AGAIN}") from error


def _make_durable(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _prune(folder: Path, current: str) -> None:
    """Remove all but the latest batches. That one cannot be removed does not matter today."""
    # Those of the same second are in no order, so that the current one need not be the last.
    others = sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and _NAME.fullmatch(path.name) and path.name != current
    )
    for path in others[: -(KEPT - 1)]:
        with contextlib.suppress(OSError):
            shutil.rmtree(path)
