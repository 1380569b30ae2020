"""Writes record batches as Parquet in sub-folders by the values of columns, in Hive's layout.

Memory is bounded for any order of the rows and any number of sub-folders. DuckDB's
``COPY … (PARTITION_BY …)`` and Arrow's ``write_dataset`` buffer rows per sub-folder instead (ADR
027 has measurements).
"""

import contextlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

# Rows that are written together. While they are written, as many more are buffered.
_ROWS: Final = 2**20
_SHORT: Final = 2**16


class PartitionedWriter:
    """Writes batches into ``folder/a=1/b=2/part-0.parquet``, without the sub-folders' columns.

    Batches are collected until they have enough rows. Then the rows of each partition are written
    as one row group of its file, while the next batches are collected. Used as a context manager:
    when the block ends without an error, everything is on disk.

    Args:
        folder: A new folder.
        schema: Schema of the batches.
        by: Columns of whole numbers; without them, everything is written to one file.
        threads: Number of partitions that are written at a time.

    Attributes:
        waiting: Number of rows that are collected and not being written yet.
    """

    def __init__(self, folder: Path, schema: pa.Schema, *, by: Sequence[str], threads: int) -> None:
        self._folder = folder
        self._by = tuple(by)
        self._schema = pa.schema([field for field in schema if field.name not in self._by])
        self._open = contextlib.ExitStack()
        self._files: dict[tuple[int, ...], pq.ParquetWriter] = {}
        self._parts: dict[tuple[int, ...], list[pa.RecordBatch]] = {}
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="parquet")
        self._writing: list[Future[None]] = []
        self.waiting = 0

    def __enter__(self) -> Self:
        """Make the folder."""
        self._folder.mkdir(parents=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Write the remaining rows and the files' footers."""
        # After a failed write, closing the files may fail too. The first error is reported.
        quietly = contextlib.nullcontext() if kind is None else contextlib.suppress(OSError)
        with quietly, self._open:
            try:
                if kind is None:
                    self._flush()
                    self._wait()
            finally:
                self._workers.shutdown(cancel_futures=True)

    def write(self, batch: pa.RecordBatch) -> None:
        """Collect a batch, and start to write if enough rows are collected."""
        if not batch.num_rows:
            return
        keys, begins, order = self._partitions(batch)
        # All rows at once, which is faster than one partition after another.
        rows = batch.select(self._schema.names).take(pa.array(order))
        for key, begin, end in zip(keys, begins, [*begins[1:], len(order)], strict=True):
            self._parts.setdefault(key, []).append(rows.slice(begin, end - begin))
        self.waiting += len(order)
        if self.waiting >= _ROWS:
            self._flush()

    def _partitions(
        self, batch: pa.RecordBatch
    ) -> tuple[list[tuple[int, ...]], list[int], npt.NDArray[np.intp]]:
        """A batch's partitions, their first positions in the sorted rows, and the rows' order."""
        values = [batch[name].to_numpy() for name in self._by]
        key = np.zeros(batch.num_rows, dtype=np.int64)
        for column in values:
            lowest = int(column.min())
            key *= int(column.max()) - lowest + 1
            key += column - lowest
        # 16-bit numbers are sorted in linear time.
        order = np.argsort(key.astype(np.uint16) if key.max() < _SHORT else key, kind="stable")
        begins = np.flatnonzero(np.diff(key[order], prepend=-1))
        keys = [tuple(int(column[place]) for column in values) for place in order[begins]]
        return keys, begins.tolist(), order

    def _flush(self) -> None:
        # A file is written by one thread at a time.
        self._wait()
        for key, batches in self._parts.items():
            table = pa.Table.from_batches(batches)
            self._writing.append(self._workers.submit(self._file(key).write_table, table))
        self._parts.clear()
        self.waiting = 0

    def _wait(self) -> None:
        for one in self._writing:
            one.result()
        self._writing.clear()

    def _file(self, key: tuple[int, ...]) -> pq.ParquetWriter:
        if key not in self._files:
            values = zip(self._by, key, strict=True)
            place = self._folder.joinpath(*(f"{name}={value}" for name, value in values))
            place.mkdir(parents=True, exist_ok=True)
            path = place / "part-0.parquet"
            self._files[key] = self._open.enter_context(
                pq.ParquetWriter(path, self._schema, compression="zstd", compression_level=1)
            )
        return self._files[key]
