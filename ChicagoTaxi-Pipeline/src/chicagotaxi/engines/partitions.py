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
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["PartitionedWriter"]

# A row group of a partition, and what may wait for its row group to be full, in all.
_ROW_GROUP: Final = 131_072
_PENDING: Final = 1_500_000
_SHORT: Final = 2**16


class PartitionedWriter:
    """Writes batches into ``folder/a=1/b=2/part-0.parquet``, without the columns named so.

    What is written is compressed in a thread beside the one that gives the batches. To be used as
    a context; when the block has ended without an error, all is on disk.

    Args:
        folder: A new folder.
        schema: Of the batches.
        by: Columns of whole numbers; of none, all goes into one file.
    """

    def __init__(self, folder: Path, schema: pa.Schema, *, by: Sequence[str]) -> None:
        self._folder = folder
        self._by = tuple(by)
        self._schema = pa.schema([field for field in schema if field.name not in self._by])
        self._open = contextlib.ExitStack()
        self._files: dict[tuple[int, ...], pq.ParquetWriter] = {}
        self._pending: dict[tuple[int, ...], list[pa.RecordBatch]] = {}
        self._rows: dict[tuple[int, ...], int] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="parquet")
        self._writing: Future[None] | None = None

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
                    for key in list(self._pending):
                        self._flush(key)
                    self._wait()
            finally:
                self._worker.shutdown(cancel_futures=True)

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch; at most one row group is being written when it returns."""
        rows = batch.select(self._schema.names)
        for key, places in self._places(batch):
            # A copy, so that a few rows of one partition do not keep a whole batch.
            self._pending.setdefault(key, []).append(rows.take(places))
            self._rows[key] = self._rows.get(key, 0) + len(places)
            if self._rows[key] >= _ROW_GROUP:
                self._flush(key)
        while sum(self._rows.values()) > _PENDING:
            self._flush(max(self._rows, key=self._rows.__getitem__))

    @property
    def waiting(self) -> list[pa.RecordBatch]:
        """What was taken and is not being written yet."""
        return [batch for batches in self._pending.values() for batch in batches]

    def _places(self, batch: pa.RecordBatch) -> list[tuple[tuple[int, ...], pa.Array]]:
        """The rows of every partition that the batch has some of."""
        if not batch.num_rows:
            return []
        if not self._by:
            return [((), pa.array(np.arange(batch.num_rows)))]
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
        return list(zip(keys, map(pa.array, np.split(order, begins[1:])), strict=True))

    def _flush(self, key: tuple[int, ...]) -> None:
        table = pa.Table.from_batches(self._pending.pop(key))
        del self._rows[key]
        self._wait()
        self._writing = self._worker.submit(self._file(key).write_table, table)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()

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
