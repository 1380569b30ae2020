"""Writes batches of predictions: hidden until they are complete, and pointed to last."""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from modelseal.temporaries import Temporary
from servicekit.answer_warnings import WARNINGS
from servicekit.files import DataError, NewFile, make_folder, write_errors

from chicagotaxi.file_kinds import check_engine_path
from chicagotaxi.forecast_warnings import read_cell
from chicagotaxi.predictions import BATCH, NAME, BatchInfo, ModelIdentity, PartInfo, TrainingOverlap
from chicagotaxi.schema import CURRENT

__all__ = ["write_batch"]

# Whoever reads a batch that was replaced must be able to finish.
KEPT: Final = 3


def write_batch(
    folder: Path,
    make: Callable[[Path], Path],
    *,
    schema: pa.Schema,
    model: ModelIdentity,
    interval: float,
    training_overlap: TrainingOverlap | None = None,
) -> BatchInfo:
    """Write a batch and point to it.

    Args:
        folder: The folder of all batches.
        make: Makes the predictions: given a hidden folder, which it may use as it likes, it gives
            the folder in it that holds them as Parquet files.
        schema: That they must have.
        model: What makes them.
        interval: The coverage of the intervals.
        training_overlap: How much of what is forecast the model was trained on, where known.

    Raises:
        DataError: It cannot be written. The pointer, and what it points to, are as they were.
    """
    created = datetime.now(UTC)
    name = f"{created:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
    check_engine_path(folder)
    make_folder(folder)
    with write_errors(folder):
        temporary = Temporary(folder / BATCH)
    with temporary as staging, write_errors(folder / name):
        work, batch = staging.path / "work", staging.path / name
        work.mkdir(parents=True)
        batch.mkdir()
        found = _in_order(make(work), schema)
        parts = [_part(batch, number, one) for number, one in enumerate(found)]
        info = BatchInfo(
            batch=name,
            created=created,
            model=model,
            first_hour=min(one.first for one in found),
            last_hour=max(one.last for one in found),
            interval=interval,
            rows=sum(part.rows for part in parts),
            parts=parts,
            warnings=_count_warnings(batch / part.name for part in parts),
            training_overlap=training_overlap,
        )
        (batch / BATCH).write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _make_durable(batch)
        batch.rename(folder / name)
    with NewFile(folder / CURRENT) as pointer:
        pointer.write(f"{name}\n".encode())
    _prune(folder, name)
    return info


@dataclass(frozen=True)
class _Found:
    """A file of predictions, by its footer.

    Attributes:
        path: Where it is.
        order: Its first time, of the column by which the parts are in order.
        first: The first hour that it predicts.
        last: The last one.
        rows: How many.
    """

    path: Path
    order: datetime
    first: datetime
    last: datetime
    rows: int


def _in_order(folder: Path, schema: pa.Schema) -> list[_Found]:
    """The files that hold anything: an engine may write them in any order, and empty ones."""
    found = []
    for path in folder.glob("*.parquet"):
        with pq.ParquetFile(path) as file:
            types = {field.name: field.type for field in file.schema_arrow}
            if types != {field.name: field.type for field in schema}:
                raise DataError(f"{path} has the columns {types}, which no predictions have.")
            if file.metadata.num_rows:
                found.append(_footer(path, file.metadata, schema))
    if not found:
        raise DataError("There is nothing to predict: the history has no areas. Run `etl` again.")
    return sorted(found, key=lambda one: one.order)


def _footer(path: Path, metadata: pq.FileMetaData, schema: pa.Schema) -> _Found:
    times = [field.name for field in schema if pa.types.is_timestamp(field.type)]

    def ends(name: str) -> tuple[datetime, datetime]:
        column = schema.get_field_index(name)
        groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
        found = [group.column(column).statistics for group in groups if group.num_rows]
        return min(one.min for one in found), max(one.max for one in found)

    return _Found(path, ends(times[0])[0], *ends("start"), metadata.num_rows)


def _part(batch: Path, number: int, found: _Found) -> PartInfo:
    part = found.path.rename(batch / f"part-{number:05d}.parquet")
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return PartInfo(name=part.name, sha256=digest, rows=found.rows)


def _count_warnings(parts: Iterable[Path]) -> dict[str, int]:
    """How many rows are marked, by code."""
    found: Counter[str] = Counter()
    for path in parts:
        cells = pq.read_table(path, columns=[WARNINGS])[WARNINGS].combine_chunks()
        for row in cells.value_counts().to_pylist():
            for code in {warning.code for warning in read_cell(row["values"])}:
                found[code] += row["counts"]
    return dict(sorted(found.items()))


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
        if path.is_dir() and NAME.fullmatch(path.name) and path.name != current
    )
    for path in others[: -(KEPT - 1)]:
        with contextlib.suppress(OSError):
            shutil.rmtree(path)
