"""Record batches to Parquet in sub-folders by the values of columns, as Hive lays them out.

In bounded memory whatever the order of the rows: DuckDB's own ``COPY … (PARTITION_BY …)`` holds
what it has of a partition until there are half a million rows of it, which a month seldom has, so
that it held all rows, and what did not fit went to disk and back.
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

# How many rows wait to be written together; while they are written, as many more are taken.
_ROWS: Final = 2**20
_SHORT: Final = 2**16


class PartitionedWriter:
    """Writes batches into ``folder/a=1/b=2/part-0.parquet``, without the columns named so.

    Some batches at a time: their rows of each partition become one row group of its file, while
    the next batches are taken. To be used as a context; when the block has ended without an error,
    all is on disk.

    Args:
        folder: A new folder.
        schema: Of the batches.
        by: Columns of whole numbers; of none, all goes into one file.
        threads: How many partitions are written at a time.

    Attributes:
        waiting: How many rows were taken and are not being written yet.
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
        """Write what is left, and the files' footers."""
        # What cannot be written cannot be ended either; that it could not be written is the news.
        quietly = contextlib.nullcontext() if kind is None else contextlib.suppress(OSError)
        with quietly, self._open:
            try:
                if kind is None:
                    self._flush()
                    self._wait()
            finally:
                self._workers.shutdown(cancel_futures=True)

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch, and begin to write what waits where that is enough."""
        if not batch.num_rows:
            return
        keys, begins, order = self._partitions(batch)
        # All rows at once: to pick those of one partition after another is slower.
        rows = batch.select(self._schema.names).take(pa.array(order))
        for key, begin, end in zip(keys, begins, [*begins[1:], len(order)], strict=True):
            self._parts.setdefault(key, []).append(rows.slice(begin, end - begin))
        self.waiting += len(order)
        if self.waiting >= _ROWS:
            self._flush()

    def _partitions(
        self, batch: pa.RecordBatch
    ) -> tuple[list[tuple[int, ...]], list[int], npt.NDArray[np.intp]]:
        """The partitions of a batch, where they begin in its sorted rows, and that order."""
        values = [batch[name].to_numpy() for name in self._by]
        key = np.zeros(batch.num_rows, dtype=np.int64)
        for column in values:
            lowest = int(column.min())
            key *= int(column.max()) - lowest + 1
            key += column - lowest
        # Numbers of 16 bits are sorted in a time that grows with their count only.
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
