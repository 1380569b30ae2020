"""Writes batches of predictions, which are hidden until they are complete."""

import contextlib
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
from modelseal.temporary_outputs import Temporary
from servicekit.answer_warnings import WARNINGS
from servicekit.files import DataError, make_folder, sha256_of_file, write_errors, write_file

from chicagotaxi.batch.reader import (
    BATCH,
    NAME,
    BatchInfo,
    ModelIdentity,
    PartInfo,
    TrainingOverlap,
)
from chicagotaxi.file_formats import check_engine_path
from chicagotaxi.forecast.warnings import read_cell
from chicagotaxi.schema import CURRENT

# Number of batches that stay, so that a reader of an earlier one can finish.
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
        folder: Folder of all batches.
        make: Makes the predictions as Parquet files. It receives a hidden folder for its files, and
            returns the folder in it that has the predictions.
        schema: Schema of the predictions.
        model: The model that makes them.
        interval: Coverage of the intervals.
        training_overlap: Share of the forecast rows that the model was trained on, if known.

    Raises:
        DataError: It cannot be written. The pointer and its batch are as they were.
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
    write_file(folder / CURRENT, f"{name}\n".encode())
    _prune(folder, name)
    return info


@dataclass(frozen=True)
class _Found:
    """A file of predictions, by its footer.

    Attributes:
        path: The file.
        order: First time of the column that orders the parts.
        first: First predicted hour.
        last: Last predicted hour.
        rows: Number of rows.
    """

    path: Path
    order: datetime
    first: datetime
    last: datetime
    rows: int


def _in_order(folder: Path, schema: pa.Schema) -> list[_Found]:
    """The files with rows, in order: engines write files in any order, and also empty ones."""
    found = []
    for path in folder.glob("*.parquet"):
        with pq.ParquetFile(path) as file:
            types = {field.name: field.type for field in file.schema_arrow}
            if types != {field.name: field.type for field in schema}:
                raise DataError(f"{path} has the columns {types}, not those of predictions.")
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
    return PartInfo(name=part.name, sha256=sha256_of_file(part), rows=found.rows)


def _count_warnings(parts: Iterable[Path]) -> dict[str, int]:
    """Number of rows with each warning, by code."""
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
    """Remove all but the latest batches. One that cannot be removed is left to the next run."""
    # The names of one second's batches have no order, so that the current one may not be the last.
    others = sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and NAME.fullmatch(path.name) and path.name != current
    )
    for path in others[: -(KEPT - 1)]:
        with contextlib.suppress(OSError):
            shutil.rmtree(path)
